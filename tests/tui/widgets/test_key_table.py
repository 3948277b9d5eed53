"""A section of the help: wrapped lines keep their column, filtering leaves what matches."""

from textual.app import App, ComposeResult

from quarterdeck.tui.styles import style_files
from quarterdeck.tui.widgets.key_table import KEY_ROOM, KeyRow, KeyTable

ROWS = (
    KeyRow("a", "Approve this once and go on to the next of them", "approve once"),
    KeyRow("ctrl+p", "Every action by name", "every action"),
)


class Host(App[None]):
    CSS_PATH = style_files()  # pyright: ignore[reportAssignmentType]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        from quarterdeck.tui.themes import variables_of

        return variables_of(self.current_theme)

    def compose(self) -> ComposeResult:
        yield KeyTable("Approval", ROWS)


async def test_a_long_line_goes_on_below_its_own_column():
    app = Host()
    async with app.run_test(size=(30, 12)):
        table = app.query_one(KeyTable)
        lines = str(table.render()).split("\n")
        assert lines[0] == "Approval"
        assert lines[1].startswith("a       Approve")
        assert lines[2].startswith(" " * KEY_ROOM)
        assert all(len(line) <= 30 for line in lines)
        assert table.size.height == len(lines)
        assert lines[-1] == "ctrl+p  Every action by name"


async def test_only_what_is_found_stays_and_a_section_without_it_is_gone():
    app = Host()
    async with app.run_test(size=(60, 12)) as pilot:
        table = app.query_one(KeyTable)
        table.narrow(["action", "every"])
        await pilot.pause()
        assert [row.key for row in table.rows] == ["ctrl+p"]
        assert table.size.height == 2
        table.narrow(["nothing"])
        await pilot.pause()
        assert not table.display
        table.narrow([])
        await pilot.pause()
        assert table.display
        assert table.rows == ROWS
