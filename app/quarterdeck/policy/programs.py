"""Programs that run other programs, which no prefix may allow for good (DESIGN §6)."""

import re
from enum import Enum
from posixpath import basename


class Reach(Enum):
    """How far an allow rule for a program may go."""

    PREFIX = "any words may follow"
    CLOSED = "only with `only_flags` or `exact`"
    EXACT = "only with `exact`"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RUNNERS = _words(
    """
    ash bash csh dash elvish fish ksh mksh nu pwsh rbash sh tcsh xonsh yash zsh
    awk bun deno elixir erl expect gawk ghci groovy guile java jrunscript julia jshell lua luajit
    mawk nawk node nodejs ocaml osascript perl php pypy python racket raku ruby rscript scala
    sqlite tclsh ts-node tsx wish
    ed emacs ex less man more nano nvim vi view vim
    at batch builtin busybox chpst chroot crontab daemonize dbus-run-session direnv doas env
    entr eval exec faketime firejail flock gdb ionice lldb ltrace nice nohup nsenter parallel
    pkexec proxychains rsync runuser run-parts scp script screen setarch setpriv setsid sftp ssh
    sshpass start-stop-daemon stdbuf strace su sudo systemd-run taskset time timeout tmux toybox
    trap unbuffer unshare watch xargs xvfb-run
    bunx corepack mise asdf npx pipx pnpx uvx
    alias coproc enable export hash source .
    """
)
_CLOSED = _words(
    """
    ag ant cmake command ctest docker dotnet fd fdfind find gh git gmake gradle helm hg invoke jj
    just kubectl make mvn nerdctl ninja nix nix-shell nox podman rake rg sed sort svn tar task
    terraform tox vagrant zip
    cd declare let local mapfile popd printf pushd read readarray readonly set shopt test typeset
    ulimit umask unset
    """
)
_RUNNING_SUBCOMMANDS = frozenset(
    [
        ("bundle", "exec"),
        ("cargo", "run"),
        ("composer", "exec"),
        ("conda", "run"),
        ("go", "generate"),
        ("go", "run"),
        ("go", "tool"),
        ("go", "vet"),
        ("hatch", "run"),
        ("mamba", "run"),
        ("npm", "config"),
        ("npm", "exec"),
        ("npm", "explore"),
        ("npm", "set"),
        ("npm", "x"),
        ("pdm", "run"),
        ("pipenv", "run"),
        ("pnpm", "dlx"),
        ("pnpm", "exec"),
        ("poetry", "run"),
        ("rustup", "run"),
        ("uv", "run"),
        ("uv", "tool"),
        ("yarn", "dlx"),
        ("yarn", "exec"),
        ("yarn", "node"),
    ]
)
_SUBCOMMAND_PROGRAMS = frozenset(program for program, _ in _RUNNING_SUBCOMMANDS)
_EACH_TIME = _words(
    """
    chattr chgrp chmod chown dd fdisk halt kill killall ln mkfs mount mv parted pkill poweroff
    printenv reboot rm rmdir shred shutdown truncate umount unlink wipefs curl wget nc ncat socat
    """
)
_INSTALLERS = _words(
    """
    apk apt apt-get brew bundle cargo composer conda dnf gem go mamba npm pacman pdm pip pipenv
    pnpm poetry rustup uv yarn yum
    """
)
_INSTALLING = _words("add ci get i install link login publish remove sync uninstall update upgrade")
_TRANSPARENT = _words(
    "builtin chrt command doas env exec ionice nice nohup setsid stdbuf sudo time timeout xargs"
)
_VERSION = re.compile(r"[-.]?[0-9][0-9.]*$")
_PREFIXED = re.compile(r"(?P<flag>-.*)|(?P<assignment>[A-Za-z_][A-Za-z0-9_]*=.*)|[0-9.]+[smhd]?")


def reach(program: str, following: str | None = None) -> Reach:
    """Return how far an allow rule for `program` may go, `following` being its next fixed word."""
    name = plain_name(program)
    if name in _RUNNERS or (name, following) in _RUNNING_SUBCOMMANDS:
        return Reach.EXACT
    if (
        name in _CLOSED
        or name.startswith("git-")
        or (name in _SUBCOMMAND_PROGRAMS and following is None)
    ):
        return Reach.CLOSED
    return Reach.PREFIX


def plain_name(program: str) -> str:
    """Return a name without directory and version: `/usr/bin/python3.11` is python."""
    name = basename(program).lower()
    return _VERSION.sub("", name) or name


def asked_each_time(argv: tuple[str, ...]) -> bool:
    """Tell whether a command destroys, sends, reveals or installs by what it is given."""
    name = plain_name(argv[0])
    return name in _EACH_TIME or (name in _INSTALLERS and not _INSTALLING.isdisjoint(argv[1:3]))


def unwrapped(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that a wrapper would run, as far as its words show; else `argv`.

    Meant for what is forbidden only: an answer that misses a command leaves it to be asked.
    """
    while len(argv) > 1 and plain_name(argv[0]) in _TRANSPARENT:
        rest = argv[1:]
        while rest and _PREFIXED.fullmatch(rest[0]):
            rest = rest[1:]
        if not rest:
            return argv
        argv = rest
    return argv
