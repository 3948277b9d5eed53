"""Questions to the board that the screen asks."""

from quarterdeck.tui.board import Board
from tests.support.scripted_deck import approval, session, shell

WAITING = session(1, attention="waiting")
ACTIVE = session(2, attention="active")
UNREAD = session(3, attention="unread")
READ = session(4)
BOARD = Board(sessions=(WAITING, ACTIVE, UNREAD, READ))


def test_next_and_previous_stop_only_at_sessions_that_need_someone_and_go_around():
    assert BOARD.next_needy(WAITING.session_id, 1) == UNREAD
    assert BOARD.next_needy(UNREAD.session_id, 1) == WAITING
    assert BOARD.next_needy(ACTIVE.session_id, -1) == WAITING
    assert BOARD.next_needy(None, 1) == WAITING
    assert BOARD.next_needy(None, -1) == UNREAD
    assert Board(sessions=(ACTIVE, READ)).next_needy(READ.session_id, 1) is None


def test_the_selected_sessions_own_approval_comes_before_the_oldest():
    first, second = approval(1, WAITING, shell("a")), approval(2, UNREAD, shell("b"))
    board = Board(approvals=(first, second))
    assert board.to_answer(UNREAD.session_id) == second
    assert board.to_answer(READ.session_id) == first
    assert Board().to_answer(None) is None


def test_after_goes_around_and_never_to_itself():
    views = [approval(n, WAITING, shell(str(n))) for n in (1, 2, 3)]
    board = Board(approvals=tuple(views))
    assert board.after(views[0].approval_id) == views[1]
    assert board.after(views[2].approval_id) == views[0]
    assert board.after("apr_settled") == views[0]
    assert Board(approvals=(views[0],)).after(views[0].approval_id) is None
