"""Runbooks in YAML.

    title: Deploy the site
    steps:
      - name: Build
        run: make build              # shell text; also: check
      - name: Set the version
        edit: {path: version.txt, find: "1.0", replace: "1.1"}
      - name: Write the notice
        write: {path: NOTICE, content: "going down\\n"}
      - name: Go live
        run: ./deploy --live
        ask: It changes what users see.   # or true
        on_deny: skip                     # default: stop
      - name: Let it settle
        sleep: 5
      - name: Tell
        say: It is live.                  # with chunks: N numbered copies

Also on every step: `cwd`, `timeout` (seconds), `continue_on_error`; on commands: `shell: bash`.
"""

from typing import Any

import yaml
from pydantic import ValidationError

from quarterdeck.agents.runbook.definition import Runbook, RunbookError, Step

Place = tuple[int | str, ...]


def parse_yaml(text: str) -> Runbook:
    """Read a runbook written in YAML.

    Raises:
        RunbookError: with the line, if it is no YAML or not a runbook.
    """
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:
            raise RunbookError("the runbook is empty")
        _refuse_doubled_keys(root)
        value: Any = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise RunbookError(
            f"not valid YAML: {error.problem or error.context}", mark.line + 1 if mark else None
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise RunbookError(f"not valid YAML: {error.reason}", line) from error
    except RecursionError as error:
        raise RunbookError("not valid YAML: nested too deeply") from error
    if not isinstance(value, dict):
        raise RunbookError("a runbook is a mapping with title and steps", 1)
    try:
        return Runbook.model_validate(_with_names(value))
    except ValidationError as error:
        raise _explained(error, root) from error


def _with_names(value: dict[str, Any]) -> dict[str, Any]:
    steps = value.get("steps")
    if not isinstance(steps, list):
        return value
    named = [
        {"name": f"Step {number}", **step} if isinstance(step, dict) else step
        for number, step in enumerate(steps, start=1)
    ]
    return {"title": "Runbook", **value, "steps": named}


def _refuse_doubled_keys(root: yaml.Node) -> None:
    # YAML's reader keeps the last of two equal keys: a command would vanish without a word.
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            keys = set[str]()
            for key, child in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in keys:
                    raise RunbookError(f"{key.value!r} is given twice", key.start_mark.line + 1)
                keys.add(str(key.value))
                waiting.append(child)


def _explained(error: ValidationError, root: yaml.Node) -> RunbookError:
    first = error.errors(include_url=False)[0]
    place: Place = first["loc"]
    return RunbookError(
        f"{_spoken(place)}{spoken_reason(dict(first))}", _line(root, place, first["type"])
    )


def spoken_reason(problem: dict[str, Any]) -> str:
    """Say one pydantic problem in the runbook's own words."""
    key = problem["loc"][-1] if problem["loc"] else ""
    match problem["type"]:
        case "extra_forbidden":
            known = ", ".join(name for name in Step.model_fields if name != "prose")
            return f"unknown key {key!r}; a step knows {known}"
        case "missing":
            return f"{key!r} is missing"
        case _:
            return str(problem["msg"]).removeprefix("Value error, ")


def _spoken(place: Place) -> str:
    if len(place) >= 2 and place[0] == "steps" and isinstance(place[1], int):
        rest = ".".join(str(part) for part in place[2:] if isinstance(part, str))
        return f"step {place[1] + 1}{', ' + rest if rest else ''}: "
    return f"{place[0]}: " if place else ""


def _line(root: yaml.Node, place: Place, problem: str) -> int:
    node, line = root, root.start_mark.line
    for part in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
        elif isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == part), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line, pair[1]
    return line + 1
