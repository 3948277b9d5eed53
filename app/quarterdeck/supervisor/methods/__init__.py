"""The methods of the protocol, a module for each thing they are about."""

from quarterdeck.supervisor.api import Method
from quarterdeck.supervisor.methods import approvals, runs, service, sessions

METHODS: dict[str, Method] = service.METHODS | sessions.METHODS | runs.METHODS | approvals.METHODS
