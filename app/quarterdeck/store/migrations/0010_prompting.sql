-- What a person writes and an agent offers: drafts, images of waiting prompts, slash commands.

CREATE TABLE drafts (
    reader TEXT NOT NULL,
    session_id TEXT NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (reader, session_id)
) WITHOUT ROWID;

CREATE TABLE prompt_images (
    command_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    mime_type TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (command_id, position)
) WITHOUT ROWID;

-- A prompt's images are kept only as long as it waits: handed over they are in the outbox.
CREATE TRIGGER prompt_images_over AFTER UPDATE OF state ON commands
WHEN new.state <> 'pending'
BEGIN
    DELETE FROM prompt_images WHERE command_id = new.command_id;
END;

ALTER TABLE sessions ADD COLUMN agent_commands TEXT;
