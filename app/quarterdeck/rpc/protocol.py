"""Which protocol supervisor and clients of this version speak."""

from typing import Any

from quarterdeck.model.errors import QuarterdeckError

PROTOCOL = 2
"""Counts up with every change that a client of the version before cannot read."""


def check(hello: dict[str, Any]) -> None:
    """Refuse a supervisor whose answers this client cannot read.

    An older one is well: a client knows what was said before, and has to be able to replace it.

    Args:
        hello: The supervisor's answer to `hello`.

    Raises:
        QuarterdeckError: `protocol_newer`.
    """
    spoken = hello.get("protocol", 0)
    if spoken > PROTOCOL:
        raise QuarterdeckError(
            "protocol_newer", f"the supervisor speaks protocol {spoken}, this program {PROTOCOL}"
        )
