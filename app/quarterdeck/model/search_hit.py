"""What a search finds, as clients get it."""

from dataclasses import dataclass

from quarterdeck.model.records import Wire


@dataclass(frozen=True, slots=True)
class SearchHit(Wire):
    """One message or event that has all words; open the trace of `run_id` at `seq`."""

    session_id: str
    session_title: str
    agent: str
    project: str
    run_id: str
    seq: int
    """The event in which the first word begins."""
    type: str
    at: str
    snippet: str
    marks: list[list[int]]
    """Where found words stand in the snippet: begin and end of each, in characters."""
