"""Reading runbooks: both formats, and errors that name the line."""

from pathlib import Path

import pytest

from quarterdeck.agents.runbook.definition import RunbookError
from quarterdeck.agents.runbook.markdown_format import parse_markdown
from quarterdeck.agents.runbook.source import Syntax, find_source
from quarterdeck.agents.runbook.yaml_format import parse_yaml

HERE = Path(__file__).parent


def test_the_markdown_example_is_read_step_by_step() -> None:
    runbook = parse_markdown((HERE / "gated_deploy.md").read_text())
    assert runbook.title == "Gated deploy"
    said, build, check, announce, live, note = runbook.steps
    assert said.say and said.say.startswith("The site is built")
    assert build.prose == "The build leaves its result in `build/`."
    assert build.run and build.run.startswith("mkdir -p build\n")
    assert check.check and "cat build/site.txt" in check.prose
    assert announce.write and announce.write.path == "public/notice.txt"
    assert (announce.ask, announce.on_deny) == (True, "skip")
    assert (live.ask, live.on_deny, live.timeout) == (True, "stop", 60)
    assert note.edit and (note.edit.find, note.edit.replace) == ("Unreleased", "1.4")


def test_yaml_steps_have_their_defaults() -> None:
    runbook = parse_yaml("steps:\n- run: make\n- {name: B, say: x, ask: because}\n")
    first, second = runbook.steps
    assert (runbook.title, first.name, second.name) == ("Runbook", "Step 1", "B")
    assert (first.ask, first.on_deny, first.cwd, first.continue_on_error) == (
        False,
        "stop",
        ".",
        False,
    )
    assert second.ask == "because"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("title: [a\nsteps: b: c\n", 2, "not valid YAML"),
        ("title: T\nsteps:\n- run: 'x\x07y'\n", 3, "not valid YAML"),
        ("", None, "empty"),
        ("- a\n- b\n", 1, "mapping with title and steps"),
        ("title: T\n", 1, "'steps' is missing"),
        ("title: T\nsteps: []\n", 2, "at least 1"),
        ("title: T\nsteps:\n- say: a\n- name: B\n  run: 3\n", 5, "step 2, run: .*string"),
        ("title: T\nsteps:\n- say: a\n- name: B\n", 4, "exactly one of .* has none"),
        ("title: T\nsteps:\n- run: a\n  say: b\n", 3, "has run and say"),
        ("title: T\nsteps:\n- run: a\n  run: b\n", 4, "'run' is given twice"),
        ("title: T\nsteps:\n- write:\n    path: a\n", 3, "'content' is missing"),
        ("title: T\nsteps:\n- run: a\n  on_deny: wait\n", 4, "'stop' or 'skip'"),
        ("title: T\nsteps:\n- sleep: -1\n", 3, "greater than or equal to 0"),
        ("title: T\nsteps:\n- run: a\n  chunks: 3\n", 3, "belong to a step with say"),
        ("title: T\nmore: x\nsteps:\n- run: a\n", 2, "unknown key 'more'"),
        pytest.param("a: " + "[" * 5000, None, "nested too deeply", id="deep"),
    ],
)
def test_a_yaml_error_names_its_line(text: str, line: int | None, words: str) -> None:
    with pytest.raises(RunbookError, match=words) as caught:
        parse_yaml(text)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# Only a title\n", None, "every step is a section"),
        ("# T\n\n## A\n```sh run\nls\n", 4, "not closed"),
        ("# T\n\n## A\n```sh\nls\n```\n", 4, "'sh run' or 'sh check'"),
        ("# T\n\n## A\n```sh run\nls\n```\n```sh run\nls\n```\n", 7, "second fence"),
        ("# T\n```sh run\nls\n```\n## A\n", 2, "before the first"),
        ("# T\n\n## A\n```sh run aks\nls\n```\n", 4, "unknown word 'aks'"),
        ("# T\n\n## A\n```sh run timeout=soon\nls\n```\n", 4, "not a number"),
        ("# T\n\n## A\n```file:'a b\nx\n```\n", 4, "quote is left open"),
        ("# T\n\n## A\n```edit:f\nold\n```\n", 4, "exactly one line ======="),
        ("# T\n\n## A\n```edit:f\n=======\nnew\n```\n", 4, "edit.find"),
        ("# T\n\n## A\n```file:\nx\n```\n", 4, "write.path"),
        ("# T\n\n## A\n## B\ntext\n", 3, "says and does nothing"),
    ],
)
def test_a_markdown_error_names_its_line(text: str, line: int | None, words: str) -> None:
    with pytest.raises(RunbookError, match=words) as caught:
        parse_markdown(text)
    assert caught.value.line == line


def test_headings_inside_of_fences_are_no_steps() -> None:
    runbook = parse_markdown("## A\n~~~~file:'a b.md'\n## not a step\n```\n~~~~\n")
    (step,) = runbook.steps
    assert step.write and step.write.path == "a b.md"
    assert step.write.content == "## not a step\n```\n"


@pytest.mark.parametrize(
    ("prompt", "syntax"),
    [
        ("## of note: a comment\n\ntitle: T\nsteps:\n- run: a\n", Syntax.YAML),
        ("---\nsteps:\n- run: a\n", Syntax.YAML),
        ("Please do this.\n\n## A\nsteps: none\n", Syntax.MARKDOWN),
        ("what is\nthis?", None),
        ("just a question", None),
    ],
)
def test_the_syntax_of_an_inline_runbook_is_told(
    tmp_path: Path, prompt: str, syntax: Syntax | None
) -> None:
    source = find_source(prompt, tmp_path)
    assert (source.syntax if source else None) == syntax


def test_a_file_that_is_no_runbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bin.md").write_bytes(b"\xff")
    (tmp_path / "long.md").write_bytes(b"a" * 300_000)
    for name, words in (("bin.md", "UTF-8"), ("long.md", "longer"), ("none.md", "no file")):
        with pytest.raises(RunbookError, match=words):
            find_source(f"work {name}", tmp_path)
