"""States, their moves, and attention (R1, A1, A9, DESIGN §3)."""

import itertools

import pytest

from quarterdeck.model.states import (
    ACTION_LEADS_TO,
    ATTENTION_ORDER,
    LIVE_SESSION_STATES,
    SESSION_MOVES,
    STARTABLE_SESSION_STATES,
    Action,
    ApprovalState,
    Attention,
    Coordination,
    SessionState,
    attention,
    coordination,
)

S, A = SessionState, Attention

UNREAD = {"version": 5, "read_version": 4}
READ = {"version": 5, "read_version": 5}


@pytest.mark.parametrize(
    ("state", "waits", "marks", "expected"),
    [
        (S.IDLE, 0, UNREAD, A.UNREAD),
        (S.IDLE, 0, READ, A.READ),
        (S.IDLE, 1, READ, A.WAITING),
        (S.WAITING, 1, READ, A.WAITING),
        (S.WAITING, 0, READ, A.WAITING),
        (S.CREATED, 0, READ, A.ACTIVE),
        (S.STARTING, 0, READ, A.ACTIVE),
        (S.RUNNING, 0, UNREAD, A.ACTIVE),
        (S.RUNNING, 2, READ, A.WAITING),
        (S.STARTING, 1, READ, A.WAITING),
        (S.FAILED, 0, READ, A.FAILED),
        (S.FAILED, 1, READ, A.FAILED),
        (S.ASLEEP, 0, UNREAD, A.UNREAD),
        (S.ASLEEP, 0, READ, A.READ),
        (S.CLOSED, 0, UNREAD, A.UNREAD),
        (S.CLOSED, 0, READ, A.READ),
        (S.UNKNOWN, 0, READ, A.UNKNOWN),
        (S.UNKNOWN, 0, UNREAD, A.UNKNOWN),
    ],
)
def test_attention_is_the_first_rule_that_holds(
    state: SessionState, waits: int, marks: dict[str, int], expected: Attention
) -> None:
    """A9; what is not known is unknown and never idle."""
    assert attention(state, open_approvals=waits, **marks) is expected


def test_waiting_comes_first_then_failed_then_the_others() -> None:
    """A9, A10."""
    assert sorted(A, key=ATTENTION_ORDER.__getitem__) == [
        A.WAITING,
        A.FAILED,
        A.ACTIVE,
        A.UNKNOWN,
        A.UNREAD,
        A.READ,
    ]


def test_reading_and_what_happens_afterwards() -> None:
    """A9: marking read stores the version seen, so what follows is unread again."""

    def seen(version: int) -> Attention:
        return attention(S.IDLE, open_approvals=0, version=version, read_version=5)

    assert [seen(5), seen(6)] == [A.READ, A.UNREAD]


def test_every_state_has_its_place_in_the_coordination_of_runs() -> None:
    """R1, by the table of DESIGN §3."""
    assert {state: coordination(state) for state in S} == {
        S.CREATED: Coordination.STARTING,
        S.STARTING: Coordination.STARTING,
        S.IDLE: Coordination.RUNNING,
        S.RUNNING: Coordination.RUNNING,
        S.WAITING: Coordination.RUNNING,
        S.ASLEEP: Coordination.NONE,
        S.FAILED: Coordination.FAILED,
        S.CLOSED: Coordination.NONE,
        S.UNKNOWN: Coordination.NONE,
    }


def test_every_state_can_be_left_and_closed_or_started_again() -> None:
    assert SESSION_MOVES.keys() == set(S)
    for state, targets in SESSION_MOVES.items():
        assert S.STARTING in targets, state
        assert S.CLOSED in targets or state is S.CLOSED


def test_only_a_start_makes_a_session_live() -> None:
    """R3: from a state without a live run there is no way into one but through starting."""
    without_run = STARTABLE_SESSION_STATES - {S.UNKNOWN}
    for state, live in itertools.product(without_run, LIVE_SESSION_STATES):
        assert live not in SESSION_MOVES[state]


def test_what_is_live_cannot_be_created_or_unknown_again() -> None:
    for targets in SESSION_MOVES.values():
        assert targets.isdisjoint({S.CREATED, S.UNKNOWN})


def test_every_decision_settles_its_approval() -> None:
    assert ACTION_LEADS_TO.keys() == set(Action)
    assert ApprovalState.PENDING not in ACTION_LEADS_TO.values()
    assert ACTION_LEADS_TO[Action.DENY] is ApprovalState.REJECTED
