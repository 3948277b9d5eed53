-- Finding the sessions whose time is over without looking at the others (A6).

CREATE INDEX sessions_expiring ON sessions (expires_at)
    WHERE expires_at IS NOT NULL AND deleted_at IS NULL;
