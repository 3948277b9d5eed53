"""Every commit, spawn, write and rename of the product passes a failpoint.

The kill sweep is only as good as the places at which it can kill, so what changes the world
outside the process without a failpoint in the same function is found here, from the source.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import quarterdeck

ROOT = Path(quarterdeck.__file__).parent

SPAWNS = {
    *(f"subprocess.{name}" for name in ("run", "Popen", "call", "check_call", "check_output")),
    *(f"os.{name}" for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system")),
    *(f"os.exec{kind}" for kind in ("v", "ve", "vp", "vpe", "l", "le", "lp", "lpe")),
    "asyncio.create_subprocess_exec",
    "asyncio.create_subprocess_shell",
}
FILES = {
    *(f"os.{name}" for name in ("write", "pwrite", "writev", "sendfile", "truncate", "ftruncate")),
    *(f"os.{name}" for name in ("rename", "replace", "renames", "unlink", "remove", "rmdir")),
    *(f"os.{name}" for name in ("mkdir", "makedirs", "link", "symlink", "mkfifo")),
    *(f"shutil.{name}" for name in ("rmtree", "copytree", "copy", "copy2", "copyfile", "move")),
    *(f"tempfile.{name}" for name in ("mkstemp", "mkdtemp")),
    "json.dump",
    "fcntl.flock",
    "fcntl.lockf",
}
METHODS = {
    *("write_text", "write_bytes", "writelines", "sendall", "sendto", "sendmsg"),
    *("unlink", "mkdir", "rmdir", "touch", "symlink_to", "hardlink_to", "backup"),
    *("create_subprocess_exec", "create_subprocess_shell"),
    *("commit", "executescript"),
}
ONE_ARGUMENT = {"rename", "replace", "bind"}
"""Methods of paths and sockets when they are given one argument; else others' (`str.replace`)."""

NO_WRITES = {
    *("store", "search_index", "self._sink", "self._errors"),
    *("invocation.out", "sys.stdout", "sys.stderr", "self._driver"),
    *("self", "copying", "self._file"),
    *("prompt", "self._drafts"),
}
"""What has a `write` that is none: a transaction, rows in one, the keeper's files, whose methods
have failpoints of their own, a person's terminal; what leads to a `write` that is looked at where
it is defined; and the prompt line. Full names, or the last word of one."""

ALLOWED = {
    "model/failpoints.py:failpoint": "the failpoints' own list of what was passed",
    "model/failpoints.py:_first": "the failpoints' own note of where one killed",
    "agents/keeper.py:counting": "the keeper's list of what was passed",
    "agents/keeper.py:killing": "the keeper's note of where one killed",
    "model/failpoints.py:_counting": "the failpoints' own list of what was passed",
    "tui/screens/main.py:action_write": "it puts the cursor into the prompt line",
}
"""Functions that need none, by file and name, each with the reason."""


@dataclass(frozen=True)
class Effect:
    """Something that is done to the world outside the process."""

    file: str
    function: str
    line: int
    what: str


def dotted(node: ast.expr) -> str:
    """Return a name such as `os.write`; `?` stands for what is no name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def commits(call: ast.Call) -> bool:
    """Whether a statement that ends a transaction, or rewrites the file, is executed."""
    ends = r"\s*(COMMIT|END|RELEASE|VACUUM|PRAGMA wal_checkpoint)\b"
    executed = dotted(call.func).rpartition(".")[2].startswith("execute")
    case = re.IGNORECASE if executed else re.NOFLAG
    return any(re.match(ends, text, case) for text in _texts(call))


def opens(call: ast.Call, name: str, function: ast.AST) -> bool:
    """Whether a call makes a file, or opens one so that what it says is lost."""
    if name == "os.open":
        return bool(re.search(r"\bO_(CREAT|TRUNC)\b", ast.unparse(function)))
    mode = r"(?=[rwaxbt+]*[wax])[rwaxbt+]+"
    return name.rpartition(".")[2] == "open" and any(
        re.fullmatch(mode, text) for text in _texts(call)
    )


def _texts(call: ast.Call) -> list[str]:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    constants = [value.value for value in given if isinstance(value, ast.Constant)]
    return [value for value in constants if isinstance(value, str)]


def writes(call: ast.Call, name: str) -> bool:
    """Whether a call writes to, or changes, a file, a directory or a socket."""
    owner, _, method = name.rpartition(".")
    if name in SPAWNS | FILES or commits(call):
        return True
    if not owner or owner in NO_WRITES or owner.rpartition(".")[2] in NO_WRITES:
        return False
    if method == "send":
        return "sock" in owner
    one = len(call.args) == 1 and not call.keywords
    return method in METHODS or method == "write" or (one and method in ONE_ARGUMENT)


def effects(tree: ast.AST, file: str) -> Iterator[tuple[Effect, ast.AST]]:
    """Find every effect, with the function that it stands in."""

    def walk(node: ast.AST, function: ast.AST, name: str) -> Iterator[tuple[Effect, ast.AST]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function, name = node, node.name
        if isinstance(node, ast.Call):
            called = dotted(node.func)
            if writes(node, called) or opens(node, called, function):
                yield Effect(file, name, node.lineno, called), function
            # One that is handed on to be called in a thread counts as called.
            for handed in node.args:
                if dotted(handed) in SPAWNS | FILES:
                    yield Effect(file, name, node.lineno, dotted(handed)), function
        for below in ast.iter_child_nodes(node):
            yield from walk(below, function, name)

    yield from walk(tree, tree, "")


def failpoints(tree: ast.AST) -> list[str]:
    """Return the names of the failpoints that stand in a piece of source."""
    return [
        ast.literal_eval(node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func) == "failpoint"
    ]


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Parse every module of the product."""
    for path in sorted(ROOT.rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def uncovered(tree: ast.AST, file: str) -> list[Effect]:
    """Find the effects in whose function no failpoint stands."""
    return [
        effect
        for effect, function in effects(tree, file)
        if not failpoints(function) and f"{file}:{effect.function}" not in ALLOWED
    ]


def test_every_effect_has_a_failpoint_in_its_function() -> None:
    """R, D1-D5: the sweep can kill at whatever the product does to the world."""
    missing = [effect for file, tree in sources() for effect in uncovered(tree, file)]
    assert not missing, "\n".join(
        f"{e.file}:{e.line} {e.function}: {e.what} has no failpoint" for e in missing
    )


def test_what_is_allowed_without_one_is_there() -> None:
    """An allowance for a function that is gone, or that has failpoints now, is dropped."""
    found = {
        f"{file}:{effect.function}"
        for file, tree in sources()
        for effect, function in effects(tree, file)
        if not failpoints(function)
    }
    assert set(ALLOWED) <= found


def test_a_failpoint_has_a_dotted_name_of_its_own() -> None:
    """`kill:NAME:K` means one place."""
    names = Counter(name for _, tree in sources() for name in failpoints(tree))
    assert names
    assert [name for name, times in names.items() if times > 1] == []
    assert [name for name in names if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", name)] == []


def test_an_effect_without_a_failpoint_is_found() -> None:
    """The finder finds: each kind of effect, alone in a function."""
    lines = [
        "await db.execute('COMMIT')",
        "db.execute('VACUUM')",
        "db.execute('  end')",
        "db.execute('RELEASE SAVEPOINT x')",
        "self._db.commit()",
        "os.open('there', os.O_WRONLY | os.O_CREAT)",
        "path.open('w')",
        "open('there', mode='xb')",
        "json.dump({}, file)",
        "subprocess.run(['true'])",
        "await asyncio.to_thread(subprocess.Popen, ['true'])",
        "os.fork()",
        "os.write(1, b'')",
        "self._writer.write(line)",
        "path.write_text('')",
        "sock.sendall(b'')",
        "sock.sendto(b'', there)",
        "self._socket.send(b'')",
        "os.rename('a', 'b')",
        "path.rename(other)",
        "path.replace(other)",
        "path.unlink(missing_ok=True)",
        "path.mkdir(parents=True)",
        "asyncio.create_subprocess_exec('true')",
    ]
    for line in lines:
        bare = f"async def f():\n    {line}\n"
        assert len(uncovered(ast.parse(bare), "x.py")) == 1, line
        covered = f"async def f():\n    failpoint('a.b')\n    {line}\n"
        assert not uncovered(ast.parse(covered), "x.py")
    for harmless in (
        "ctx.store.write(work)",
        "text.replace('a', 'b')",
        "deck.rename(id, new)",
        "open('there', 'rb')",
        "os.open('there', os.O_RDONLY)",
    ):
        assert not uncovered(ast.parse(f"def f():\n    {harmless}\n"), "x.py"), harmless
