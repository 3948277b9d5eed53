-- What the policy said to what was asked, and of each decision who, from where, how late (C4, C5).

ALTER TABLE approvals ADD COLUMN rule_text TEXT;
ALTER TABLE approvals ADD COLUMN covered TEXT;

ALTER TABLE decisions ADD COLUMN client TEXT;
ALTER TABLE decisions ADD COLUMN host TEXT;
ALTER TABLE decisions ADD COLUMN waited_ms INTEGER;
ALTER TABLE decisions ADD COLUMN prefix TEXT;
ALTER TABLE decisions ADD COLUMN amendment TEXT;

CREATE INDEX decisions_at ON decisions (decided_at, decision_id);
CREATE INDEX decisions_unamended ON decisions (decided_at) WHERE amendment = 'pending';
CREATE INDEX approvals_at ON approvals (created_at);

UPDATE sessions SET approval_mode = 'normal' WHERE approval_mode = 'ask';
