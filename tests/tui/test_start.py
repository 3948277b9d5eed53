"""What starting the screen costs and where its styles come from."""

import subprocess
import sys

from quarterdeck.tui import styles


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


def test_styles_are_found_and_are_all_there():
    assert all(path.is_file() for path in [*styles.style_files(), *styles.dialog_styles()])


def test_styles_beside_the_package_come_first(tmp_path, monkeypatch):
    package = tmp_path / "quarterdeck"
    monkeypatch.setattr(styles, "_PACKAGE", package)
    package.mkdir()
    assert styles.styles_folder() == tmp_path.parent / "styles"
    (package / "styles").mkdir()
    assert styles.styles_folder() == package / "styles"
