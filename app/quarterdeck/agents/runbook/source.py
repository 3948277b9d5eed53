"""Which runbook a prompt means: one it holds, or a file it names."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from quarterdeck.agents.runbook.definition import Runbook, RunbookError

MAX_BYTES = 256 * 1024

_YAML_START = re.compile(r"\A(?:[ \t]*(?:#.*|---)?\n)*(?:title|steps)[ \t]*:")
_MARKDOWN_STEP = re.compile(r"^ {0,3}##\s+\S", re.MULTILINE)
_QUOTES = "\"'`<>()[],;"


class Syntax(StrEnum):
    """How a runbook is written."""

    YAML = "yaml"
    MARKDOWN = "markdown"


SUFFIXES = {".md": Syntax.MARKDOWN, ".yaml": Syntax.YAML, ".yml": Syntax.YAML}

HOW_TO_WRITE = """\
I work runbooks step by step. Send the path of a .md, .yaml or .yml file, or the runbook itself:

    title: Deploy
    steps:
      - name: Build
        run: make build
      - name: Go live
        run: ./deploy --live
        ask: It changes what users see.

or in Markdown, a section for each step:

    # Deploy
    ## Build
    ```sh run
    make build
    ```
    ## Go live
    ```sh run ask
    ./deploy --live
    ```

A step does one of: run, check (shell text that must exit 0), write and edit (files), say, sleep.
After a stop, "continue" goes on with the first step that is not done.
"""


@dataclass(frozen=True)
class Source:
    """A runbook's text, how it is written and, in `origin`, where it came from."""

    text: str
    syntax: Syntax
    origin: str

    def parse(self) -> Runbook:
        """Read it.

        Raises:
            RunbookError: with origin and line.
        """
        try:
            # The two readers are imported here: only one is needed, and starting stays quick.
            if self.syntax is Syntax.YAML:
                from quarterdeck.agents.runbook.yaml_format import parse_yaml

                return parse_yaml(self.text)
            from quarterdeck.agents.runbook.markdown_format import parse_markdown

            return parse_markdown(self.text)
        except RunbookError as error:
            raise RunbookError(f"{self.origin}, {error}") from error


def find_source(prompt: str, cwd: Path) -> Source | None:
    """Find the runbook in a prompt; None if the prompt neither names nor holds one.

    Raises:
        RunbookError: if it names a file that cannot be read, or the text is too long.
    """
    if syntax := _syntax_of(prompt):
        if len(prompt.encode()) > MAX_BYTES:
            raise RunbookError(f"the runbook is longer than {MAX_BYTES // 1024} KiB; split it")
        return Source(prompt, syntax, "the runbook")
    line = prompt.strip()
    if "\n" in line:
        return None
    named = [name for name in (line, *line.split()) if _suffix(name.strip(_QUOTES)) in SUFFIXES]
    files = [cwd / name.strip(_QUOTES) for name in named]
    if not files:
        return None
    found = next((path for path in files if _is_file(path)), None)
    if found is None:
        raise RunbookError(f"there is no file {files[-1]}; paths are relative to {cwd}")
    return _read(found)


def _syntax_of(prompt: str) -> Syntax | None:
    if "\n" not in prompt.strip():
        return None
    if _YAML_START.match(prompt):
        return Syntax.YAML
    return Syntax.MARKDOWN if _MARKDOWN_STEP.search(prompt) else None


def _suffix(name: str) -> str:
    return Path(name).suffix.lower()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _read(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8")
    except OSError as error:
        raise RunbookError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RunbookError(f"{path} is not UTF-8 text (byte {error.start})") from error
    if len(data) > MAX_BYTES:
        raise RunbookError(f"{path} is longer than {MAX_BYTES // 1024} KiB; split it")
    return Source(text, SUFFIXES[path.suffix.lower()], path.name)
