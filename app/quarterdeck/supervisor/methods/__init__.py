"""The methods of the protocol, a module for each thing they are about."""

from quarterdeck.supervisor.api import Method
from quarterdeck.supervisor.methods import (
    approvals,
    policy,
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
)

METHODS: dict[str, Method] = (
    service.METHODS
    | sessions.METHODS
    | runs.METHODS
    | approvals.METHODS
    | policy.METHODS
    | threads.METHODS
    | steering.METHODS
    | runners.METHODS
    | search.METHODS
    | usage.METHODS
    | transfer.METHODS
    | store.METHODS
)
