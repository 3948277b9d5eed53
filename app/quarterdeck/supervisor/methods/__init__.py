"""The methods of the protocol, a module for each thing they are about."""

from quarterdeck.supervisor.api import Method
from quarterdeck.supervisor.methods import (
    approvals,
    describing,
    event_finding,
    gates,
    messages,
    policy,
    prompting,
    recovery,
    runners,
    runs,
    search,
    service,
    sessions,
    steering,
    store,
    threads,
    transfer,
    usage,
    worktree,
)

METHODS: dict[str, Method] = (
    service.METHODS
    | sessions.METHODS
    | runs.METHODS
    | approvals.METHODS
    | policy.METHODS
    | threads.METHODS
    | describing.METHODS
    | messages.METHODS
    | steering.METHODS
    | recovery.METHODS
    | runners.METHODS
    | search.METHODS
    | usage.METHODS
    | transfer.METHODS
    | store.METHODS
    | prompting.METHODS
    | worktree.METHODS
    | event_finding.METHODS
    | gates.METHODS
)
