-- Each request of an agent is one row of its own: an id that is used again is another request, so
-- that no answer meant for the one can reach the other (DESIGN §4).

CREATE TABLE numbered_requests (
    request_no INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    method TEXT NOT NULL,
    params TEXT NOT NULL,
    created_at INTEGER NOT NULL
);

INSERT INTO numbered_requests (run_id, request_id, method, params, created_at)
    SELECT run_id, request_id, method, params, created_at FROM agent_requests ORDER BY created_at;

DROP TABLE agent_requests;

ALTER TABLE numbered_requests RENAME TO agent_requests;

CREATE UNIQUE INDEX agent_requests_open ON agent_requests (run_id, request_id);

-- The request an approval answers. Questions of older stores without one have only its id.
ALTER TABLE approvals ADD COLUMN request_no INTEGER;

UPDATE approvals SET request_no = (
    SELECT r.request_no FROM agent_requests r
    WHERE r.run_id = approvals.run_id AND r.request_id = approvals.request_id
) WHERE state = 'pending' AND kind IN ('terminal', 'file');
