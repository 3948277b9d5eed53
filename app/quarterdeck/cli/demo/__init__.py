"""`qd demo`: real sessions of the runbook agent on a scratch repository, waiting for approvals."""
