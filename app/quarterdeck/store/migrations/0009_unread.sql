-- What is unread for whom, in the list's order, and short beginnings of words in the index (A9, A10).

-- Who has a mark of some kind. For a reader who has none all is unread, and nothing is kept.
CREATE TABLE known_readers (
    reader TEXT PRIMARY KEY
) WITHOUT ROWID;

-- The sessions that press nobody and have news for a known reader. Triggers keep it, whoever
-- writes: it follows from `sessions` and `readers` alone.
CREATE TABLE unread (
    reader TEXT NOT NULL,
    session_id TEXT NOT NULL,
    shelf INTEGER NOT NULL,
    pinned INTEGER NOT NULL,
    last_activity INTEGER NOT NULL,
    project TEXT NOT NULL,
    agent TEXT NOT NULL,
    state TEXT NOT NULL,
    execution_state TEXT NOT NULL,
    PRIMARY KEY (reader, session_id)
) WITHOUT ROWID;

CREATE INDEX unread_listed
    ON unread (reader, shelf, pinned, last_activity, session_id, project, agent, state,
        execution_state);

INSERT INTO known_readers SELECT DISTINCT reader FROM readers;

INSERT INTO unread
SELECT k.reader, s.session_id, s.shelf, s.pinned, s.last_activity, s.project, s.agent, s.state,
    s.execution_state
FROM known_readers k CROSS JOIN sessions s
LEFT JOIN readers r ON r.reader = k.reader AND r.session_id = s.session_id
WHERE s.urgency = 0 AND s.version > COALESCE(r.version, 0);

CREATE TRIGGER unread_session_made AFTER INSERT ON sessions BEGIN
    DELETE FROM unread
    WHERE reader IN (SELECT reader FROM known_readers) AND session_id = NEW.session_id;
    INSERT INTO unread
    SELECT k.reader, s.session_id, s.shelf, s.pinned, s.last_activity, s.project, s.agent, s.state,
        s.execution_state
    FROM sessions s CROSS JOIN known_readers k
    LEFT JOIN readers r ON r.reader = k.reader AND r.session_id = s.session_id
    WHERE s.session_id = NEW.session_id AND s.urgency = 0 AND s.version > COALESCE(r.version, 0);
END;

CREATE TRIGGER unread_session_changed
AFTER UPDATE OF version, state, open_approvals, pinned, last_activity, archived_at, deleted_at,
    execution_state ON sessions BEGIN
    DELETE FROM unread
    WHERE reader IN (SELECT reader FROM known_readers) AND session_id = NEW.session_id;
    INSERT INTO unread
    SELECT k.reader, s.session_id, s.shelf, s.pinned, s.last_activity, s.project, s.agent, s.state,
        s.execution_state
    FROM sessions s CROSS JOIN known_readers k
    LEFT JOIN readers r ON r.reader = k.reader AND r.session_id = s.session_id
    WHERE s.session_id = NEW.session_id AND s.urgency = 0 AND s.version > COALESCE(r.version, 0);
END;

CREATE TRIGGER unread_session_gone AFTER DELETE ON sessions BEGIN
    DELETE FROM unread
    WHERE reader IN (SELECT reader FROM known_readers) AND session_id = OLD.session_id;
END;

-- The first mark of a reader: from now on what is unread for them is kept.
CREATE TRIGGER unread_reader_came AFTER INSERT ON readers
WHEN NOT EXISTS (SELECT 1 FROM known_readers WHERE reader = NEW.reader) BEGIN
    INSERT INTO known_readers VALUES (NEW.reader);
    INSERT INTO unread
    SELECT NEW.reader, s.session_id, s.shelf, s.pinned, s.last_activity, s.project, s.agent,
        s.state, s.execution_state
    FROM sessions s
    LEFT JOIN readers r ON r.reader = NEW.reader AND r.session_id = s.session_id
    WHERE s.session_id <> NEW.session_id AND s.urgency = 0 AND s.version > COALESCE(r.version, 0);
END;

CREATE TRIGGER unread_mark_made AFTER INSERT ON readers BEGIN
    DELETE FROM unread WHERE reader = NEW.reader AND session_id = NEW.session_id;
    INSERT INTO unread
    SELECT NEW.reader, s.session_id, s.shelf, s.pinned, s.last_activity, s.project, s.agent,
        s.state, s.execution_state
    FROM sessions s
    WHERE s.session_id = NEW.session_id AND s.urgency = 0 AND s.version > NEW.version;
END;

CREATE TRIGGER unread_mark_moved AFTER UPDATE OF version ON readers BEGIN
    DELETE FROM unread WHERE reader = NEW.reader AND session_id = NEW.session_id;
    INSERT INTO unread
    SELECT NEW.reader, s.session_id, s.shelf, s.pinned, s.last_activity, s.project, s.agent,
        s.state, s.execution_state
    FROM sessions s
    WHERE s.session_id = NEW.session_id AND s.urgency = 0 AND s.version > NEW.version;
END;

CREATE TRIGGER unread_mark_gone AFTER DELETE ON readers BEGIN
    DELETE FROM unread WHERE reader = OLD.reader AND session_id = OLD.session_id;
    INSERT INTO unread
    SELECT OLD.reader, s.session_id, s.shelf, s.pinned, s.last_activity, s.project, s.agent,
        s.state, s.execution_state
    FROM sessions s
    WHERE s.session_id = OLD.session_id AND s.urgency = 0;
END;

-- With an index of one to three letters a search for `an*` reads one list instead of thousands.
-- The texts are in the events: all is indexed anew, as the store of a version without search is.
DROP TABLE search_text;

DELETE FROM search_blocks;

CREATE VIRTUAL TABLE search_text USING fts5 (
    text,
    tags,
    content = '',
    prefix = '1 2 3',
    tokenize = 'unicode61 remove_diacritics 2'
);
