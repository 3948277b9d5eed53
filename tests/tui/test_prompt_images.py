"""Images beside a prompt: dropped files, the clipboard, chips, and agents that take none."""

import base64
from pathlib import Path

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from quarterdeck.client.prompting import Offers
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean
from quarterdeck.tui import prompt_images
from quarterdeck.tui.prompt_images import NoImage, PromptImage, image_paths, read_image
from quarterdeck.tui.widgets.prompt_editor import PromptEditor
from tests.support.piloting import screen_text, until, until_hidden, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedSupervisor, session

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 12_280


def behind(*, images: bool = True) -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    box.add(session(1, title="Alpha"))
    box.add(session(2, title="Beta"))
    box.offers = Offers((), images=images)
    return box


def editor(pilot: Pilot[None]) -> PromptEditor:
    return pilot.app.screen_stack[0].query_one(PromptEditor)


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "a shot.png"
    path.write_bytes(PNG)
    return path


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_a_dropped_image_is_a_chip_and_is_sent(png: Path, size: tuple[int, int]):
    box = behind()
    async with app_of(box).run_test(size=size) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i")
        editor(pilot).post_message(Paste(f"'{png}' "))
        await until_shown(pilot, "[image a shot.png 12 KB]")
        assert editor(pilot).text == ""
        await pilot.press("enter")
        await until_shown(pilot, "an image needs some words")
        await pilot.press(*"look", "enter")
        await until_hidden(pilot, "[image")
    (call,) = box.called("send")
    assert call["text"] == "look"
    assert call["images"] == [("image/png", base64.b64encode(PNG).decode())]


async def test_a_failed_send_keeps_image_text_and_key(png: Path):
    box = behind()
    box.refusals["send"] = [QuarterdeckError("agent_not_reading", "its pipe is full")]
    async with app_of(box).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", *"look")
        editor(pilot).post_message(Paste(png.as_uri()))
        await until_shown(pilot, "[image")
        await pilot.press("enter")
        await until_shown(pilot, "not sent: its pipe is full")
        assert "[image a shot.png" in screen_text(pilot.app)
        await pilot.press("enter")
        await until_hidden(pilot, "[image")
    first, again = box.called("send")
    assert first == again
    assert len(first["images"]) == 1


async def test_backspace_at_the_start_takes_the_last_image_away(png: Path):
    box = behind()
    other = png.with_name("b.png")
    other.write_bytes(PNG)
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", "x")
        editor(pilot).post_message(Paste(f"{png}\n{other}"))
        await until_shown(pilot, "b.png")
        await pilot.press("backspace")  # the letter
        assert "b.png" in screen_text(pilot.app)
        await pilot.press("backspace")
        await until_hidden(pilot, "b.png")
        assert "a shot.png" in screen_text(pilot.app)
        await pilot.press("backspace")
        await until_hidden(pilot, "[image")


async def test_images_belong_to_their_session(png: Path):
    async with app_of(behind()).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i")
        editor(pilot).post_message(Paste(str(png)))
        await until_shown(pilot, "[image")
        await pilot.press("escape", "down")
        await until_hidden(pilot, "[image")
        await pilot.press("up")
        await until_shown(pilot, "[image")


async def test_where_the_agent_takes_no_images_the_path_is_text_and_the_reason_is_shown(png: Path):
    async with app_of(behind(images=False)).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i")
        editor(pilot).post_message(Paste(str(png)))
        await until_shown(pilot, "takes no images")
        assert editor(pilot).text == str(png)
        assert "[image" not in screen_text(pilot.app)


async def test_what_is_no_image_inside_stays_a_path(png: Path):
    png.write_bytes(b"text")
    async with app_of(behind()).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i")
        editor(pilot).post_message(Paste(str(png)))
        await until_shown(pilot, "is no png, jpeg, gif or webp")
        assert editor(pilot).text == str(png)


async def test_a_hostile_file_name_is_one_safe_line(tmp_path: Path):
    path = tmp_path / "x\x1b[31m\u202e[@click=app.quit].png"
    path.write_bytes(PNG)
    app = app_of(behind())
    app.get_line_filters = list
    async with app.run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i")
        editor(pilot).post_message(Paste(path.as_uri()))
        await until_shown(pilot, "[@click=app.quit].png 12 KB]")
        for line in screen_text(pilot.app).split("\n"):
            assert clean(line) == line


@pytest.mark.parametrize("has", [True, False])
async def test_ctrl_v_attaches_the_picture_of_the_clipboard(tmp_path: Path, has: bool):
    (tmp_path / "shot").write_bytes(PNG if has else b"")
    tool = tmp_path / "wl-paste"
    tool.write_text(f"#!/bin/sh\nexec cat {tmp_path}/shot\n")
    tool.chmod(0o700)
    app = app_of(behind())
    app._environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "WAYLAND_DISPLAY": "wayland-0"}
    async with app.run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", *"look")
        app.copy_to_clipboard(" here")
        await pilot.press("ctrl+v")
        if has:
            await until_shown(pilot, "[image clipboard.png 12 KB]")
        else:
            await until(pilot, lambda: editor(pilot).text == "look here")
        assert ("[image" in screen_text(app)) is has


# Reading


def test_paths_as_terminals_drop_them(png: Path):
    for pasted in (str(png), f"{png}\n", f"'{png}'", str(png).replace(" ", "\\ "), png.as_uri()):
        assert image_paths(pasted) == [png]
    assert image_paths(f"'{png}' {png.as_uri()}") == [png, png]


def test_other_text_is_text(png: Path, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("x")
    for pasted in (
        "",
        "shot.png",
        f"see '{png}'",
        str(tmp_path / "notes.txt"),
        str(tmp_path / "gone.png"),
        png.as_uri().replace("file://", "file://elsewhere"),
        "it's",
        "/x\0.png",
        f"{png}\nand words",
    ):
        assert image_paths(pasted) == []


def test_an_image_that_is_too_large_is_refused(png: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prompt_images, "_MOST_BYTES", 100)
    with pytest.raises(NoImage, match="over"):
        read_image(png)


def test_only_so_many_images_and_so_much_goes_beside_one_prompt():
    image = PromptImage("a", "image/png", "x" * (prompt_images.MOST_BASE64 // 2))
    prompt_images.check_room([image], [image])
    with pytest.raises(NoImage, match="together"):
        prompt_images.check_room([image, image], [image])
    small = PromptImage("a", "image/png", "xxxx")
    with pytest.raises(NoImage, match="at most 10"):
        prompt_images.check_room([small] * 10, [small])


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
    ],
)
def test_the_kind_is_read_from_the_file_not_from_its_name(
    tmp_path: Path, data: bytes, mime_type: str
):
    path = tmp_path / "a.png"
    path.write_bytes(data)
    assert read_image(path).mime_type == mime_type
