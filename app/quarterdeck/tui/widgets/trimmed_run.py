"""What is said of a run whose events retention took away (A2)."""

from datetime import tzinfo

from quarterdeck.model.records import RunView
from quarterdeck.tui.widgets.ages import second_text


def trimmed_words(run: RunView, tz: tzinfo | None) -> str:
    """Return how many of a run's events were trimmed, and when; empty if none were.

    Args:
        run: The run.
        tz: Zone of the time told; None is the machine's.
    """
    if not run.trimmed:
        return ""
    at = f" at {second_text(run.trimmed_at, tz)}" if run.trimmed_at else ""
    return f"{run.trimmed:,} events trimmed by retention{at}"
