"""What starting the screen costs and where its styles come from."""

import subprocess
import sys
from pathlib import Path

from quarterdeck.tui import styles
from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.screens.opening import OpeningScreen
from quarterdeck.tui.widgets.session_list import SessionList
from tests.support.scenes import app_of, deck_of_six
from tests.support.waiting import eventually_async


def test_the_screen_imports_nothing_of_the_supervisors_world():
    """Start-up stays quick only if the heavy libraries stay out (DESIGN §10)."""
    code = (
        "import sys, quarterdeck.tui.app, quarterdeck.client.deck;"
        "heavy = {'acp', 'aiosqlite', 'pydantic', 'sqlite3', 'libtmux', 'tree_sitter_bash',"
        " 'typer', 'psutil', 'quarterdeck.policy',"
        " 'textual.widgets._markdown', 'quarterdeck.tui.dialogs.approval',"
        " 'quarterdeck.store', 'quarterdeck.supervisor', 'quarterdeck.agents'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_first_frame_waits_for_no_import_of_the_main_screen():
    """DESIGN §9: what is painted first needs little; guarded by names, which no machine changes."""
    code = (
        "import sys, quarterdeck.tui.run, quarterdeck.tui.app;"
        "later = {'quarterdeck.client.deck', 'quarterdeck.model.records', 'quarterdeck.rpc.peer',"
        " 'quarterdeck.tui.screens.main', 'quarterdeck.tui.screens.session_panes',"
        " 'quarterdeck.tui.widgets.session_list', 'textual.widgets._text_area'};"
        "print(sorted(later & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_the_first_ended_message_needs_is_imported_once_the_sessions_are_shown():
    """DESIGN §9: a line does not wait for it; red once `_sessions_shown` starts no import."""
    code = (
        "import sys, threading, quarterdeck.tui.run as run;"
        "run._sessions_shown();"
        "[t.join() for t in threading.enumerate() if t.name == 'imports'];"
        "print('quarterdeck.tui.widgets.markdown_strips' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


async def test_the_opening_is_painted_and_gives_way_to_the_main_screen():
    """Nothing is fetched before; keys pressed too early do nothing."""
    app = app_of(deck_of_six(), opening=True)
    assert isinstance(app.get_default_screen(), OpeningScreen)
    async with app.run_test(size=(120, 30)) as pilot:

        async def there() -> bool:
            await pilot.pause()
            return isinstance(app.screen, MainScreen) and app.board.fetched

        await eventually_async(there)
        await pilot.press("j")
        assert app.screen_stack == [app.screen]
        assert app.screen.query_one(SessionList).selected is not None


def test_styles_are_found_and_are_all_there():
    assert all(Path(path).is_file() for path in [*styles.style_files(), *styles.dialog_styles()])


def test_styles_beside_the_package_come_first(tmp_path, monkeypatch):
    package = tmp_path / "quarterdeck"
    monkeypatch.setattr(styles, "_PACKAGE", package)
    package.mkdir()
    assert styles.styles_folder() == tmp_path.parent / "styles"
    (package / "styles").mkdir()
    assert styles.styles_folder() == package / "styles"
