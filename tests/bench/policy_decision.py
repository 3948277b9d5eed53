"""How long the policy takes to decide one call, as the supervisor asks it.

    python -m tests.bench.policy_decision [--rounds N]

Each call goes the way of a real request: from an approval's payload, over `Policy.judge`, which
looks at the rule files on every call, with 50 rules of the person's own and a trusted project file.
Times are wall-clock milliseconds. The budget is for p99 over all calls of the corpus.
"""

import argparse
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quarterdeck.model.places import Places
from quarterdeck.policy.call import Mode
from quarterdeck.policy.rulebook import PROJECT_FILE, USER_FILE
from quarterdeck.policy.trust import content_hash
from quarterdeck.supervisor.judging import Policy, call_of

BUDGET_MS = 2.0
OWN_RULES = 50
CORPUS = Path(__file__).parents[1] / "policy" / "corpus"
_TYPICAL: dict[str, list[dict[str, Any]]] = {
    "typical commands": [
        {"kind": "execute", "raw_input": {"command": command}}
        for command in (
            "git status --short",
            "ls -la src && head -n 50 README.md | grep -n title",
            "npm test",
            "rg -n 'def main' src 2>/dev/null | head -n 20",
            "rm -rf build",
        )
    ],
    "files": [
        {"kind": "read", "raw_input": {"path": "src/main.py"}},
        {"kind": "edit", "raw_input": {"path": "src/main.py", "new_text": "x\n" * 2000}},
        {"kind": "delete", "raw_input": {"path": "/etc/passwd"}},
    ],
    "hosts and MCP tools": [
        {"kind": "fetch", "raw_input": {"url": "https://docs.example.org/a?b=c"}},
        {"kind": "other", "title": "mcp__tracker__read", "raw_input": {"id": 5}},
    ],
}


@dataclass(frozen=True, slots=True)
class Row:
    """One group of calls: how many were judged, and how long one took."""

    name: str
    calls: int
    p50_ms: float
    p99_ms: float
    longest_ms: float
    cpu_p99_ms: float
    """What this thread worked, which a busy machine changes less."""
    budget_ms: float = BUDGET_MS

    def __str__(self) -> str:
        mark = "" if self.p99_ms <= self.budget_ms else "  OVER"
        times = (
            f"{self.p50_ms:8.3f} {self.p99_ms:8.3f} {self.longest_ms:8.3f} {self.cpu_p99_ms:8.3f}"
        )
        return f"{self.name:24} {self.calls:7} {times} {self.budget_ms:7.1f}{mark}"


def measure(rounds: int = 5) -> list[Row]:
    """Judge every call `rounds` times and return a row for each group, the whole corpus last."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        policy = _policy(Path(folder), root)
        groups = dict(_groups())
        whole: list[tuple[float, float]] = []
        rows = []
        for name, calls in groups.items():
            taken = _judged(policy, root, calls, rounds)
            rows.append(_row(name, taken))
            whole += taken
        return [*rows, _row("all", whole)]


def _policy(folder: Path, root: Path) -> Policy:
    """Return the production entry point with rule files of a usual size."""
    places = Places(folder / "state", folder / "config")
    for made in (places.state, places.config, root / "src", root / PROJECT_FILE.parent):
        made.mkdir(parents=True, exist_ok=True)
    (root / "src" / "main.py").write_text("x\n")
    own = "\n".join(
        f'[[rules]]\nid = "own-{n}"\ndecision = "allow"\ncommand = [["tool{n}", "run"]]'
        for n in range(OWN_RULES)
    )
    (places.config / USER_FILE).write_text(own)
    project = '[[rules]]\nid = "tests"\ndecision = "allow"\ncommand = [["npm", "test"]]\n'
    (root / PROJECT_FILE).write_text(project)
    policy = Policy(places)
    policy.trust.give(root / PROJECT_FILE, content_hash(project.encode()))
    return policy


def _groups() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    attacks = tomllib.loads((CORPUS / "attacks.toml").read_text("utf-8")).values()
    texts = [text for group in attacks for text in group["strings"]]
    lines = (CORPUS / "benign.txt").read_text("utf-8").splitlines()
    benign = [line for line in lines if line and not line.startswith("#")]
    for name, commands in (("corpus, attacks", texts), ("corpus, benign", benign)):
        yield name, [_execute(_filled(command)) for command in commands]
    yield from _TYPICAL.items()


def _filled(command: str) -> str:
    return command.replace("{long}", "a" * 4100).replace("{many}", "; ".join(["ls"] * 21))


def _execute(command: str) -> dict[str, Any]:
    return {"kind": "execute", "raw_input": {"command": command}}


def _judged(
    policy: Policy, root: Path, calls: list[dict[str, Any]], rounds: int
) -> list[tuple[float, float]]:
    """Return the milliseconds each call took and worked; the first one's load of rules counts."""
    taken = []
    for _ in range(rounds):
        for tool_call in calls:
            payload = {"kind": "tool_call", "tool_call": tool_call, "cwd": str(root)}
            began, worked = time.perf_counter(), time.thread_time()
            policy.judge(call_of("tool_call", payload, root, "opencode", Mode.NORMAL))
            took, work = time.perf_counter() - began, time.thread_time() - worked
            taken.append((took * 1000, work * 1000))
    return taken


def _row(name: str, taken: list[tuple[float, float]]) -> Row:
    times, works = (sorted(column) for column in zip(*taken, strict=True))
    return Row(name, len(times), _at(times, 0.5), _at(times, 0.99), times[-1], _at(works, 0.99))


def _at(ordered: list[float], part: float) -> float:
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def main() -> None:
    """Print a line for each group."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each call is judged")
    heads = "".join(f"{head:>9}" for head in ("p50", "p99", "longest", "cpu p99", "budget"))
    print(f"{'judged':24} {'calls':>7}{heads}")
    for row in measure(parser.parse_args().rounds):
        print(row)


if __name__ == "__main__":
    main()
