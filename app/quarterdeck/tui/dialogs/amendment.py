"""The rules an approval offers to add to the policy, as the person may edit them (C5)."""

from dataclasses import dataclass

from quarterdeck.model.records import ApprovalView

AMEND = "amend"
FORBID = "forbid"
"""The decision of an amendment that refuses for good."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What could be allowed for good."""

    text: str
    """The words of a command's prefix, for a shell, or the name of a host."""
    prefix: bool
    """Whether it is a prefix, which may be edited before it is taken."""


def offer(view: ApprovalView, decision: str = "allow") -> Offer | None:
    """Return what the supervisor proposes to allow, or to forbid, for good, or None."""
    for option in view.options:
        if option.get("kind") != AMEND or option.get("decision", "allow") != decision:
            continue
        if prefix := option.get("prefix"):
            return Offer(prefix, prefix=True)
        if host := option.get("host"):
            return Offer(host, prefix=False)
    return None
