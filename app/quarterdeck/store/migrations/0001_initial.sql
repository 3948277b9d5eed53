-- Sessions, runs, commands, events, approvals, decisions, outbox, readers (A1, A2, A6, DESIGN §4).
-- Times are Unix milliseconds. JSON columns hold text that json.loads reads.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES ('version', 0), ('change', 0);

CREATE TABLE sessions (
    session_id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    agent TEXT NOT NULL,
    cwd TEXT NOT NULL,
    title TEXT NOT NULL,
    preview TEXT NOT NULL DEFAULT '',
    summary TEXT NOT NULL DEFAULT '',
    conversation_id TEXT,
    agent_session_id TEXT,
    source TEXT NOT NULL DEFAULT 'interactive',
    metadata TEXT NOT NULL DEFAULT '{}',
    version INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    state_since INTEGER NOT NULL,
    state_source TEXT NOT NULL,
    execution_state TEXT NOT NULL DEFAULT 'idle',
    active_run_id TEXT,
    last_run_id TEXT,
    active_command_id TEXT,
    last_command_id TEXT,
    last_event_seq INTEGER NOT NULL DEFAULT 0,
    terminal_status TEXT,
    failure TEXT,
    failure_kind TEXT,
    ephemeral INTEGER NOT NULL DEFAULT 0,
    git_commit TEXT,
    git_branch TEXT,
    git_origin TEXT,
    approval_mode TEXT NOT NULL DEFAULT 'ask',
    mode TEXT,
    usage TEXT,
    open_approvals INTEGER NOT NULL DEFAULT 0,
    recovery_attempts INTEGER NOT NULL DEFAULT 0,
    resume_tries INTEGER NOT NULL DEFAULT 0,
    start_key TEXT,
    start_sha256 TEXT,
    created_at INTEGER NOT NULL,
    last_activity INTEGER NOT NULL,
    expires_at INTEGER
);

CREATE UNIQUE INDEX sessions_start_key ON sessions (project, start_key) WHERE start_key IS NOT NULL;
CREATE INDEX sessions_active ON sessions (active_run_id) WHERE active_run_id IS NOT NULL;
CREATE INDEX sessions_version ON sessions (version);

CREATE TABLE runs (
    run_no INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES sessions (session_id),
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    via TEXT NOT NULL,
    last_event_seq INTEGER NOT NULL DEFAULT 0,
    journal_offset INTEGER NOT NULL DEFAULT 0,
    journal_skipping INTEGER NOT NULL DEFAULT 0,
    spool_size INTEGER NOT NULL DEFAULT 0,
    outbox_count INTEGER NOT NULL DEFAULT 0,
    driver TEXT,
    agent_info TEXT,
    stopping TEXT,
    reason TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    UNIQUE (session_id, number)
);

CREATE TABLE commands (
    command_no INTEGER PRIMARY KEY,
    command_id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES sessions (session_id),
    run_id TEXT,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    text TEXT,
    idempotency_key TEXT,
    payload_sha256 TEXT,
    reason TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
);

CREATE UNIQUE INDEX commands_key ON commands (run_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX commands_open ON commands (session_id, command_no)
    WHERE state IN ('pending', 'acknowledged');
CREATE INDEX commands_session ON commands (session_id, command_no);

CREATE TABLE events (
    event_no INTEGER PRIMARY KEY,
    run_no INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    payload TEXT NOT NULL
);

CREATE UNIQUE INDEX events_seq ON events (run_no, seq);
CREATE INDEX events_output ON events (run_no, seq)
    WHERE type IN ('assistant_message', 'command_output', 'diff', 'error', 'terminal_status');

CREATE TABLE approvals (
    approval_no INTEGER PRIMARY KEY,
    approval_id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES sessions (session_id),
    run_id TEXT NOT NULL,
    command_id TEXT,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    subject TEXT NOT NULL,
    cwd TEXT NOT NULL,
    reason TEXT,
    matched_rule TEXT,
    payload TEXT NOT NULL,
    payload_sha256 TEXT NOT NULL,
    options TEXT NOT NULL,
    request_id TEXT,
    consumed INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    decided_at INTEGER,
    action TEXT
);

CREATE INDEX approvals_pending ON approvals (session_id, approval_no) WHERE state = 'pending';
CREATE INDEX approvals_run ON approvals (run_id, state);

CREATE TABLE decisions (
    decision_id TEXT PRIMARY KEY,
    approval_id TEXT NOT NULL UNIQUE REFERENCES approvals (approval_id),
    run_id TEXT NOT NULL,
    action TEXT NOT NULL,
    option TEXT,
    reason TEXT,
    token TEXT NOT NULL,
    payload_sha256 TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at INTEGER NOT NULL
);

CREATE TABLE grants (
    session_id TEXT NOT NULL REFERENCES sessions (session_id),
    fingerprint TEXT NOT NULL,
    approval_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, fingerprint)
) WITHOUT ROWID;

CREATE TABLE outbox (
    run_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL,
    length INTEGER NOT NULL,
    role TEXT NOT NULL,
    method TEXT,
    rpc_id TEXT,
    command_id TEXT,
    payload BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, ordinal)
) WITHOUT ROWID;

CREATE INDEX outbox_undelivered ON outbox (run_id, ordinal) WHERE payload IS NOT NULL;

CREATE TABLE agent_requests (
    run_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    method TEXT NOT NULL,
    params TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, request_id)
) WITHOUT ROWID;

CREATE TABLE terminals (
    run_id TEXT NOT NULL,
    terminal_id TEXT NOT NULL,
    command TEXT NOT NULL,
    cwd TEXT NOT NULL,
    output_bytes INTEGER NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, terminal_id)
) WITHOUT ROWID;

CREATE TABLE readers (
    reader TEXT NOT NULL,
    session_id TEXT NOT NULL REFERENCES sessions (session_id),
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (reader, session_id)
) WITHOUT ROWID;
