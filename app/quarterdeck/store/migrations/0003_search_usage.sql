-- The search index, usage and its caps, and what retention took away (issues of records, A2).

CREATE TABLE search_blocks (
    block_no INTEGER PRIMARY KEY,
    run_no INTEGER NOT NULL,
    type TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    growing INTEGER NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX search_blocks_run ON search_blocks (run_no, last_seq);

CREATE VIRTUAL TABLE search_text USING fts5 (
    text,
    tags,
    content = '',
    tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TABLE usage (
    usage_no INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    command_id TEXT NOT NULL,
    project TEXT NOT NULL,
    agent TEXT NOT NULL,
    day TEXT NOT NULL,
    currency TEXT NOT NULL,
    cost_micros INTEGER NOT NULL DEFAULT 0,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cached_tokens INTEGER NOT NULL DEFAULT 0,
    total_tokens INTEGER NOT NULL DEFAULT 0,
    at INTEGER NOT NULL
);

CREATE UNIQUE INDEX usage_turn ON usage (session_id, command_id, day, currency);
CREATE INDEX usage_day ON usage (day);
CREATE INDEX usage_project ON usage (project);

CREATE TABLE usage_marks (
    session_id TEXT NOT NULL REFERENCES sessions (session_id),
    conversation TEXT NOT NULL,
    what TEXT NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (session_id, conversation, what)
) WITHOUT ROWID;

CREATE TABLE cap_raises (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    metric TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (scope, name, metric)
) WITHOUT ROWID;

CREATE TABLE trimmed_runs (
    run_no INTEGER PRIMARY KEY,
    events INTEGER NOT NULL,
    at INTEGER NOT NULL
);
