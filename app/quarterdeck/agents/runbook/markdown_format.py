"""Runbooks in Markdown.

    # Deploy the site

    ## Build
    Text is said before the step.

    ```sh run
    make build
    ```

    ## Go live
    ```sh run ask skip-on-deny timeout=600
    ./deploy --live
    ```

    ## Is it up?
    ```sh check
    curl -fsS localhost:8080/health
    ```

    ## Set a file
    ```file:config/app.toml ask
    port = 8080
    ```

    ## Change a file
    ```edit:version.txt
    1.0
    =======
    1.1
    ```

A section of level two is a step with at most one fence that acts: `sh run`, `sh check` (or
`bash`), `file:PATH`, `edit:PATH` (what to find, a line `=======`, what to put there; the last
newline of both is left out). After these may stand `ask`, `skip-on-deny`, `continue-on-error`,
`timeout=SECONDS` and `cwd=DIR`; names with spaces go in quotes. Other fences are only shown, and
a section without a fence that acts is only said.
"""

import shlex
from dataclasses import dataclass, field
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import ValidationError

from quarterdeck.agents.runbook.definition import MAX_STEPS, Runbook, RunbookError, Step
from quarterdeck.agents.runbook.yaml_format import spoken_reason

SHELLS = ("sh", "bash")
SEPARATOR = "======="
FLAGS: dict[str, dict[str, Any]] = {
    "ask": {"ask": True},
    "skip-on-deny": {"on_deny": "skip"},
    "continue-on-error": {"continue_on_error": True},
}


@dataclass
class _Section:
    """One step on its way: line numbers count from 0, as the tokens' do."""

    name: str
    line: int
    body_start: int
    body_end: int = 0
    fences: list[Token] = field(default_factory=list)


def parse_markdown(text: str) -> Runbook:
    """Read a runbook written in Markdown.

    Raises:
        RunbookError: with the line, if a fence cannot be understood or there is no step.
    """
    lines = text.splitlines()
    title, sections = _sections(text, len(lines))
    if not sections:
        raise RunbookError("no step: every step is a section that begins with '## its name'")
    if len(sections) > MAX_STEPS:
        raise RunbookError(f"{len(sections)} steps; at most {MAX_STEPS} are allowed")
    return Runbook(title=title, steps=[_step(section, lines) for section in sections])


def _sections(text: str, line_count: int) -> tuple[str, list[_Section]]:
    title, sections = "Runbook", list[_Section]()
    tokens = MarkdownIt("commonmark").parse(text)
    for index, token in enumerate(tokens):
        start, end = token.map or (0, 0)
        if token.type == "heading_open" and token.level == 0 and token.tag in ("h1", "h2"):
            name = tokens[index + 1].content.strip()
            if token.tag == "h1":
                title = name or title
                continue
            if not name:
                raise RunbookError("a step's heading needs a name", start + 1)
            if sections:
                sections[-1].body_end = start
            sections.append(_Section(name, start, end, line_count))
        elif token.type == "fence" and _acts(token):
            if not sections:
                raise RunbookError("this fence stands before the first '## step'", start + 1)
            sections[-1].fences.append(token)
    return title, sections


def _acts(fence: Token) -> bool:
    words = fence.info.split()
    return bool(words) and (words[0] in SHELLS or words[0].startswith(("file:", "edit:")))


def _step(section: _Section, lines: list[str]) -> Step:
    if len(section.fences) > 1:
        second = (section.fences[1].map or [0])[0]
        raise RunbookError("a second fence that acts in one step; make it a step", second + 1)
    if not section.fences:
        prose = _prose(lines, section, None)
        if not prose:
            raise RunbookError(f"step {section.name!r} says and does nothing", section.line + 1)
        return Step(name=section.name, say=prose)
    fence = section.fences[0]
    start, end = fence.map or (0, 0)
    closing = lines[end - 1].strip()
    if end - start < 2 or set(closing) != {fence.markup[0]} or len(closing) < len(fence.markup):
        raise RunbookError(f"the fence is not closed by {fence.markup}", start + 1)
    prose = _prose(lines, section, fence)
    try:
        return Step.model_validate({"name": section.name, "prose": prose, **_action(fence, start)})
    except ValidationError as error:
        problem: dict[str, Any] = dict(error.errors(include_url=False)[0])
        place = ".".join(str(part) for part in problem["loc"])
        raise RunbookError(f"{place or 'step'}: {spoken_reason(problem)}", start + 1) from error


def _prose(lines: list[str], section: _Section, fence: Token | None) -> str:
    end_of_body = section.body_end
    start, end = fence.map if fence and fence.map else (end_of_body, end_of_body)
    before, after = lines[section.body_start : start], lines[end:end_of_body]
    return "\n".join([*before, *after]).strip()


def _action(fence: Token, start: int) -> dict[str, Any]:
    line = start + 1
    try:
        words = shlex.split(fence.info)
    except ValueError as error:
        raise RunbookError(f"a quote is left open in {fence.info!r}", line) from error
    head, rest = words[0], words[1:]
    if head in SHELLS:
        if not rest or rest[0] not in ("run", "check"):
            raise RunbookError(
                f"write '{head} run' or '{head} check'; to only show it use another word than"
                f" {head}, such as 'text'",
                line,
            )
        return {rest[0]: fence.content, "shell": head, **_options(rest[1:], line)}
    verb, _, path = head.partition(":")
    if verb == "file":
        return {"write": {"path": path, "content": fence.content}, **_options(rest, line)}
    parts = fence.content.split("\n")
    if parts.count(SEPARATOR) != 1:
        raise RunbookError(f"an edit needs exactly one line {SEPARATOR} between old and new", line)
    middle = parts.index(SEPARATOR)
    find, replace = "\n".join(parts[:middle]), "\n".join(parts[middle + 1 : -1])
    return {"edit": {"path": path, "find": find, "replace": replace}, **_options(rest, line)}


def _options(words: list[str], line: int) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if word in FLAGS:
            options.update(FLAGS[word])
        elif equals and key == "cwd":
            options["cwd"] = value
        elif equals and key == "timeout":
            try:
                options["timeout"] = float(value)
            except ValueError as error:
                raise RunbookError(f"{value!r} is not a number of seconds", line) from error
        else:
            known = ", ".join([*FLAGS, "timeout=SECONDS", "cwd=DIR"])
            raise RunbookError(f"unknown word {word!r}; known here: {known}", line)
    return options
