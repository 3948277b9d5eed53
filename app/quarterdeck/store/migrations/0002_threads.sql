-- Threads, forks, checkpoints, queue order, runners, bundles, list indexes (A5, A6, A10, C1, C2).

ALTER TABLE sessions ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN archived_at INTEGER;
ALTER TABLE sessions ADD COLUMN deleted_at INTEGER;
ALTER TABLE sessions ADD COLUMN parent_session_id TEXT;
ALTER TABLE sessions ADD COLUMN model TEXT;

-- 0 listed, 1 archived, 2 deleted.
ALTER TABLE sessions ADD COLUMN shelf INTEGER GENERATED ALWAYS AS (
    CASE WHEN deleted_at IS NOT NULL THEN 2 WHEN archived_at IS NOT NULL THEN 1 ELSE 0 END
) VIRTUAL;

-- A9 as far as it is the same for every reader: 4 waiting, 3 failed, 2 active, 1 unknown, and
-- 0 where the reader's mark decides between unread and read.
ALTER TABLE sessions ADD COLUMN urgency INTEGER GENERATED ALWAYS AS (
    CASE
        WHEN state = 'failed_needs_human' THEN 3
        WHEN open_approvals > 0 OR state = 'waiting' THEN 4
        WHEN state IN ('created', 'starting', 'running') THEN 2
        WHEN state = 'unknown' THEN 1
        ELSE 0
    END
) VIRTUAL;

CREATE INDEX sessions_listed
    ON sessions (shelf, urgency, pinned, last_activity, session_id, version, state,
        execution_state, agent);
CREATE INDEX sessions_of_project
    ON sessions (project, shelf, urgency, pinned, last_activity, session_id, version, state,
        execution_state, agent);
CREATE INDEX sessions_deleted ON sessions (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE forks (
    session_id TEXT PRIMARY KEY REFERENCES sessions (session_id),
    parent_session_id TEXT NOT NULL,
    parent_agent_session_id TEXT,
    parent_run_id TEXT,
    parent_seq INTEGER NOT NULL,
    checkpoint TEXT,
    run_id TEXT NOT NULL,
    history TEXT NOT NULL,
    history_sent INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE checkpoints (
    session_id TEXT NOT NULL REFERENCES sessions (session_id),
    name TEXT NOT NULL,
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (session_id, name)
) WITHOUT ROWID;

-- A queued turn's place, where it was moved. Else its number is its place.
ALTER TABLE commands ADD COLUMN position INTEGER;

CREATE INDEX commands_open_key ON commands (session_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE TABLE runners (
    runner_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL
) WITHOUT ROWID;

-- A lease without an end is the supervisor's own and lasts as long as its lock is held.
ALTER TABLE runs ADD COLUMN runner_id TEXT;
ALTER TABLE runs ADD COLUMN lease_until INTEGER;
ALTER TABLE runs ADD COLUMN bundle TEXT;

CREATE INDEX runs_leased ON runs (runner_id)
    WHERE runner_id IS NOT NULL AND state NOT IN ('completed', 'failed', 'cancelled');

CREATE TABLE runner_jobs (
    job_no INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL,
    job_key TEXT,
    payload TEXT NOT NULL,
    payload_sha256 TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
);

CREATE UNIQUE INDEX runner_jobs_key ON runner_jobs (run_id, job_key) WHERE job_key IS NOT NULL;
CREATE INDEX runner_jobs_run ON runner_jobs (run_id, job_no);
