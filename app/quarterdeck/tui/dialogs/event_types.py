"""The types of events a person can choose from in the trace."""

from quarterdeck.model.event_types import EventType
from quarterdeck.tui.widgets.event_finder import GROUPS
from quarterdeck.tui.widgets.row_list import Cell, ListRow


def type_rows() -> list[ListRow]:
    """Return groups of types, then each type by itself."""
    rows = [
        ListRow(name, (Cell(name, "accent", 20), Cell(meaning, "muted")))
        for name, (meaning, _) in GROUPS.items()
    ]
    return rows + [ListRow(kind.value, (Cell(kind.value),)) for kind in EventType]
