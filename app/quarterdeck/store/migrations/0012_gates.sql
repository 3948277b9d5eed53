-- Gates: approvals that are asked for by name, once per run, gate, stage and round (D9).

CREATE TABLE gates (
    approval_id TEXT PRIMARY KEY,
    run_id TEXT NOT NULL,
    gate TEXT NOT NULL,
    stage TEXT NOT NULL,
    round INTEGER NOT NULL,
    effect TEXT,
    UNIQUE (run_id, gate, stage, round)
) WITHOUT ROWID;

-- What a decision still has to bring about.
CREATE INDEX gates_due ON gates (approval_id) WHERE effect = 'due';

CREATE TRIGGER gates_gone AFTER DELETE ON approvals
BEGIN
    DELETE FROM gates WHERE approval_id = old.approval_id;
END;
