-- What a person filled into a form, and grants that deny: a host refused for a session (C5).

ALTER TABLE decisions ADD COLUMN content TEXT;

ALTER TABLE grants ADD COLUMN denies INTEGER NOT NULL DEFAULT 0;
