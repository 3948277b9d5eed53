-- What of a run's streams is held back, and which rows still hold exact text (A2, DESIGN §4).

ALTER TABLE runs ADD COLUMN redaction TEXT;
ALTER TABLE approvals ADD COLUMN exact INTEGER NOT NULL DEFAULT 1;
ALTER TABLE commands ADD COLUMN exact INTEGER NOT NULL DEFAULT 1;

CREATE INDEX approvals_exact ON approvals (run_id) WHERE exact = 1;
CREATE INDEX commands_exact ON commands (session_id) WHERE exact = 1;
