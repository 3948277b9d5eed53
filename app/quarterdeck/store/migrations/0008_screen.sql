-- What the screen shows of a session at a glance, and finding the rarer events of a long run.

ALTER TABLE sessions ADD COLUMN plan TEXT;
ALTER TABLE sessions ADD COLUMN changes TEXT;
ALTER TABLE sessions ADD COLUMN git_base TEXT;

CREATE INDEX events_rare ON events (run_no, type, seq)
    WHERE type NOT IN ('assistant_message', 'thought', 'command_output', 'other');
