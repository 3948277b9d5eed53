"""Resource bundles: what a run is given to work with, named and never shown whole (A6)."""

from typing import Any

from quarterdeck.store.sessions import json_or_none


def summary(stored: str | None) -> dict[str, Any] | None:
    """Return a bundle by names and counts; of a credential there never is more than the name."""
    bundle = json_or_none(stored)
    if not isinstance(bundle, dict):
        return None
    told: dict[str, Any] = {
        name: bundle[name]
        for name in ("repository", "commit", "credential")
        if isinstance(bundle.get(name), str)
    }
    for name in ("prompts", "skills"):
        listed = bundle.get(name)
        names = (
            [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []
        )
        told[name] = {"count": len(names), "names": names}
    return told
