"""Keys of one's own: read, checked, named where they clash, and at work on the screen."""

import pytest

from quarterdeck.tui.keymap import EATEN, key_name, made_of, read, shown_as
from quarterdeck.tui.keys import KEYS, Where
from tests.support.piloting import until, until_shown
from tests.support.scenes import app_of, deck_of_six


def test_ids_are_unique():
    assert len({entry.id for entry in KEYS}) == len(KEYS)


def test_no_key_of_the_table_is_one_that_terminals_keep():
    used = {key for entry in KEYS for key in entry.keys.split(",")}
    assert used & EATEN <= {"ctrl+c"}


@pytest.mark.parametrize(
    ("text", "name", "shown"),
    [
        ("x", "x", "x"),
        ("X", "X", "X"),
        ("/", "slash", "/"),
        ("ctrl+/", "ctrl+slash", "ctrl+/"),
        ("?", "question_mark", "?"),
        (",", "comma", ","),
        ("esc", "escape", "esc"),
        ("F5".lower(), "f5", "f5"),
        ("alt+up", "alt+up", "alt+↑"),
    ],
)
def test_keys_are_named_as_people_write_them(text, name, shown):
    assert key_name(text) == name
    assert shown_as(name) == shown


@pytest.mark.parametrize("text", ["hyper+x", "entre", "ä", "", "ctrl+"])
def test_what_is_no_key_is_none(text):
    assert key_name(text) is None


def test_a_changed_key_takes_the_place_of_the_old_one():
    keymap = made_of({"main.cancel": "ctrl+x, f9"})
    assert keymap.problems == ()
    assert keymap.bound == {"main.cancel": "ctrl+x,f9"}
    assert keymap.changed["main.cancel"].shown == "ctrl+x"


def test_two_actions_can_swap_their_keys():
    keymap = made_of({"main.cancel": "X", "main.close": "x"})
    assert keymap.problems == ()
    assert keymap.bound == {"main.cancel": "X", "main.close": "x"}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"main.cancle": "y"}, "did you mean main.cancel?"),
        ({"main.cancel": "c"}, "c is main.new already"),
        ({"main.cancel": "j"}, "j moves in lists and panes"),
        ({"main.cancel": "ctrl+b"}, "kept by the terminal or tmux"),
        ({"main.cancel": "entre"}, "no key is called 'entre'"),
        ({"main.cancel": 7}, "want a key"),
        ({"main.open": "o"}, "cannot be changed"),
        ({"prompt.leave": "y"}, "needed for typing"),
        ({"main.cancel": "ctrl+p", "everywhere.palette": "ctrl+p"}, "already"),
    ],
)
def test_what_cannot_be_used_is_named_and_the_old_key_stays(table, words):
    keymap = made_of(table)
    assert any(words in problem for problem in keymap.problems), keymap.problems
    assert "main.cancel" not in keymap.changed


def test_a_change_that_only_clashes_once_another_was_left_out_is_left_out_too():
    # cancel wants c, which new gives up; but new's own wish is for j, which lists need.
    keymap = made_of({"main.cancel": "c", "main.new": "j"})
    assert keymap.changed == {}
    assert len(keymap.problems) == 2


def test_a_missing_or_broken_file_changes_nothing(tmp_path):
    file = tmp_path / "config.toml"
    assert read(file).changed == {}
    file.write_text("[keys\n")
    assert read(file).changed == {}
    file.write_text("keys = 3\n")
    assert read(file).problems


async def test_the_screen_works_by_the_changed_keys_and_shows_them():
    keymap = made_of({"main.inbox": "t", "main.new": "j"})
    async with app_of(deck_of_six(), keymap=keymap).run_test(
        size=(120, 40), notifications=True
    ) as pilot:
        await until_shown(pilot, "Deploy api")
        await until_shown(pilot, "main.new: j")
        await pilot.press("I")
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "MainScreen"
        await pilot.press("t")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "InboxScreen")
    async with app_of(deck_of_six()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("I")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "InboxScreen")


def test_every_place_has_a_name_that_a_person_can_type():
    assert all(place.name.isascii() and place.name.isupper() for place in Where)
