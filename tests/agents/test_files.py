"""Files for an agent: inside its session's directory only (C4, agents.md 21)."""

import os
import socket
import stat
from pathlib import Path

import pytest

from quarterdeck.agents import files
from quarterdeck.agents.files import (
    FileRefused,
    contained_directory,
    read_text,
    write_text,
)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    folder = tmp_path / "session"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    return folder


def test_a_file_is_read_by_absolute_and_relative_path(session: Path) -> None:
    (session / "a").write_text("text\r\n")
    assert read_text(session, str(session / "a")) == "text\r\n"
    assert read_text(session, "a") == "text\r\n"


@pytest.mark.parametrize(
    ("line", "limit", "expected"),
    [
        (None, None, "1\n2\n3"),
        (2, None, "2\n3"),
        (1, 2, "1\n2\n"),
        (2, 1, "2\n"),
        (0, 1, "1\n"),
        (9, None, ""),
        (None, 0, ""),
    ],
)
def test_lines_are_chosen_by_number(session: Path, line, limit, expected) -> None:
    (session / "a").write_text("1\n2\n3")
    assert read_text(session, "a", line, limit) == expected


def test_a_missing_file_reads_as_empty_text(session: Path) -> None:
    """agents.md 21: gemini creates a file only then."""
    assert read_text(session, str(session / "new")) == ""
    assert read_text(session, str(session / "no/such/folder")) == ""


def test_what_is_not_utf8_is_replaced(session: Path) -> None:
    (session / "a").write_bytes(b"a\xffb")
    assert read_text(session, "a") == "a\ufffdb"


def test_a_file_over_the_limit_is_refused(session: Path) -> None:
    with (session / "big").open("wb") as file:
        file.truncate(files.READ_LIMIT)
    assert len(read_text(session, "big")) == files.READ_LIMIT
    with (session / "big").open("ab") as file:
        file.write(b"x")
    with pytest.raises(FileRefused, match="over"):
        read_text(session, "big")


OUTSIDE = ["/etc/passwd", "../secret", "sub/../../secret", "", ".", "/", "link/secret", "file"]


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_outside_is_read_or_written(session: Path, path: str) -> None:
    (session / "sub").mkdir()
    (session / "link").symlink_to(session.parent)
    (session / "file").symlink_to(session.parent / "secret")
    with pytest.raises(FileRefused):
        read_text(session, path)
    with pytest.raises(FileRefused):
        write_text(session, path, "overwritten")
    assert (session.parent / "secret").read_text() == "secret"
    assert sorted(p.name for p in session.parent.iterdir()) == ["secret", "session"]


def test_a_neighbour_with_the_same_beginning_is_outside(session: Path) -> None:
    neighbour = session.parent / "session-2"
    neighbour.mkdir()
    with pytest.raises(FileRefused, match="outside"):
        write_text(session, str(neighbour / "a"), "x")


def test_a_link_that_stays_inside_is_followed_and_kept(session: Path) -> None:
    (session / "real").mkdir()
    (session / "real/a").write_text("old")
    (session / "a").symlink_to("real/a")
    write_text(session, "a", "new")
    assert (session / "a").is_symlink()
    assert (session / "real/a").read_text() == "new"
    assert read_text(session, "a") == "new"


def test_a_dangling_link_to_outside_creates_nothing_there(session: Path) -> None:
    (session / "a").symlink_to(session.parent / "planted")
    with pytest.raises(FileRefused, match="outside"):
        write_text(session, "a", "x")
    assert not (session.parent / "planted").exists()


def test_a_link_put_there_between_check_and_use_leads_nowhere(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (session / "sub").mkdir()
    (session / "sub/secret").write_text("harmless")
    resolve = os.path.realpath

    def swapped(path: str) -> str:
        target = resolve(path)
        if target.endswith("sub/secret"):
            (session / "sub").rename(session / "moved")
            (session / "sub").symlink_to(session.parent)
        return target

    monkeypatch.setattr(files.os.path, "realpath", swapped)
    with pytest.raises(FileRefused):
        read_text(session, "sub/secret")
    monkeypatch.setattr(files.os.path, "realpath", resolve)
    assert (session.parent / "secret").read_text() == "secret"


def test_a_session_directory_that_is_a_link_works(session: Path) -> None:
    link = session.parent / "by-link"
    link.symlink_to(session)
    write_text(link, str(link / "a"), "x")
    assert read_text(link, str(session / "a")) == "x"


def test_loops_of_links_are_refused(session: Path) -> None:
    (session / "a").symlink_to("b")
    (session / "b").symlink_to("a")
    with pytest.raises(FileRefused):
        read_text(session, "a")
    with pytest.raises(FileRefused):
        write_text(session, "a", "x")


def test_directories_and_special_files_are_refused(session: Path) -> None:
    (session / "folder").mkdir()
    os.mkfifo(session / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(session)
        try:
            listener.bind("sock")
        finally:
            os.chdir(here)
        for name in ("folder", "pipe", "sock"):
            with pytest.raises(FileRefused):
                read_text(session, name)
            with pytest.raises(FileRefused):
                write_text(session, name, "x")


def test_a_file_as_a_folder_is_refused(session: Path) -> None:
    (session / "a").write_text("x")
    with pytest.raises(FileRefused, match="directory"):
        write_text(session, "a/b", "x")


@pytest.mark.parametrize("path", ["a\0b", "x" * 300, "bad\ud800"])
def test_paths_no_system_takes_are_refused(session: Path, path: str) -> None:
    with pytest.raises(FileRefused):
        read_text(session, path)
    with pytest.raises(FileRefused):
        write_text(session, path, "x")


def test_writing_creates_file_and_folders_with_the_usual_mode(session: Path) -> None:
    write_text(session, "sub/deep/a", "Grüße\n")
    assert (session / "sub/deep/a").read_bytes() == "Grüße\n".encode()
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((session / "sub/deep/a").stat().st_mode) == 0o666 & ~umask


def test_writing_keeps_the_mode_and_leaves_nothing_else(session: Path) -> None:
    (session / "run.sh").write_text("old")
    (session / "run.sh").chmod(0o750)
    write_text(session, "run.sh", "new")
    assert (session / "run.sh").read_text() == "new"
    assert stat.S_IMODE((session / "run.sh").stat().st_mode) == 0o750
    assert [p.name for p in session.iterdir()] == ["run.sh"]


def test_readers_never_see_a_part(session: Path) -> None:
    (session / "a").write_text("old")
    with (session / "a").open() as before:
        write_text(session, "a", "new")
        assert before.read() == "old"


def test_a_read_only_file_stays_as_it_is(session: Path) -> None:
    (session / "a").write_text("old")
    (session / "a").chmod(0o444)
    with pytest.raises(FileRefused, match="ermission"):
        write_text(session, "a", "new")
    assert (session / "a").read_text() == "old"


def test_text_that_is_not_unicode_is_refused_and_changes_nothing(session: Path) -> None:
    (session / "a").write_text("old")
    with pytest.raises(FileRefused):
        write_text(session, "a", "bad \ud800")
    assert (session / "a").read_text() == "old"


def test_a_failed_write_leaves_the_old_text_and_no_rest(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (session / "a").write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(FileRefused, match="No space") as refused:
        write_text(session, "a", "new")
    assert refused.value.reason == str(refused.value)
    assert (session / "a").read_text() == "old"
    assert [p.name for p in session.iterdir()] == ["a"]


def test_no_descriptor_is_left_open(session: Path) -> None:
    (session / "folder").mkdir()
    before = len(list(Path("/dev/fd").iterdir()))
    for path in ("folder", "/etc/passwd", "missing", "folder/x/y"):
        try:
            read_text(session, path)
        except FileRefused:
            continue
    write_text(session, "a", "x")
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_command_runs_in_the_session_or_inside_it(session: Path) -> None:
    (session / "sub").mkdir()
    (session / "link").symlink_to("sub")
    assert contained_directory(session, None) == session
    assert contained_directory(session, str(session / "link")) == session / "sub"
    assert contained_directory(session, "sub") == session / "sub"


@pytest.mark.parametrize("path", ["/", "..", "out", "file", "missing", "a\0b", "bad\ud800"])
def test_a_command_runs_nowhere_else(session: Path, path: str) -> None:
    (session / "out").symlink_to(session.parent)
    (session / "file").write_text("x")
    with pytest.raises(FileRefused):
        contained_directory(session, path)
