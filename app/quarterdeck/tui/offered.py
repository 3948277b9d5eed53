"""What an agent lets a person choose, as it said when its run began: modes and models."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Offer:
    """One mode or model that can be chosen."""

    kind: str
    """`mode` or `model`."""
    id: str
    name: str


def offers(agent_info: dict[str, Any] | None) -> list[Offer]:
    """Return the modes and models of a run's `agent_info`; whatever is no offer is passed over."""
    told = agent_info or {}
    found = [
        *_listed(told.get("modes"), "available_modes", "mode", "id"),
        *_listed(told.get("models"), "available_models", "model", "model_id"),
    ]
    options = told.get("config_options")
    for option in options if isinstance(options, list) else []:
        if isinstance(option, dict) and option.get("category") in ("mode", "model"):
            found += _listed(option, "options", str(option["category"]), "value")
    return list(dict.fromkeys(found))


def _listed(told: Any, list_name: str, kind: str, id_name: str) -> list[Offer]:
    rows = told.get(list_name) if isinstance(told, dict) else None
    found = []
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and isinstance(row.get(id_name), str) and row[id_name]:
            name = row.get("name")
            found.append(Offer(kind, row[id_name], name if isinstance(name, str) else row[id_name]))
    return found
