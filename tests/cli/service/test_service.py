"""`qd service`: what is written, and what the service manager is asked; managers are faked."""

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from quarterdeck.cli.service import registration
from quarterdeck.cli.service.definition import Definition
from quarterdeck.cli.service.launchd import Launchd
from quarterdeck.cli.service.systemd import Systemd
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from tests.cli.conftest import Qd

FAKE = """\
#!/bin/sh
echo "$(basename "$0") $*" >> "{log}"
case "$*" in
    *"is-enabled"*) echo enabled;;
    *"is-active"*) echo active;;
    *"--property=Linger"*) echo yes;;
    *{fails}*) echo "refused by the test" >&2; exit 1;;
esac
"""


class Machine:
    """A folder of programs that stand for the service manager's, and note how they are called."""

    def __init__(self, root: Path) -> None:
        self.bin, self.log = root / "bin", root / "asked"
        self.bin.mkdir()

    def has(self, *names: str, fails: str = "@never@") -> None:
        for name in names:
            program = self.bin / name
            program.write_text(FAKE.format(log=self.log, fails=fails))
            program.chmod(0o755)

    @property
    def path(self) -> str:
        return f"{self.bin}:{os.environ['PATH']}"

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def real(qd: Qd):
    yield qd
    qd("down", "--agents")


def definition(places: Places) -> Definition:
    return Definition(places, "/opt/quarter deck/bin/python", "/home/u/bin:/usr/bin")


def parsed(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_leaves_agents_alone_and_never_fights_over_the_lock(tmp_path: Path) -> None:
    """DESIGN §1, D1: agents outlive the supervisor; 4 and 6 are not tried again."""
    places = Places(tmp_path / "state", tmp_path / "config")
    unit = parsed(Systemd().content(definition(places)).decode())
    assert unit["KillMode"] == ["process"]
    assert unit["Restart"] == ["on-failure"]
    assert unit["RestartPreventExitStatus"] == ["4 6"]
    assert unit["OOMPolicy"] == ["continue"]
    assert unit["ExecStart"] == [
        '/usr/bin/env "/opt/quarter deck/bin/python" "-P" "-m" "quarterdeck.supervisor"'
    ]
    environment = [value.strip('"') for value in unit["Environment"]]
    assert f"QUARTERDECK_STATE_DIR={places.state}" in environment
    assert f"QUARTERDECK_CONFIG_DIR={places.config}" in environment
    assert "PATH=/home/u/bin:/usr/bin" in environment, "a resumed agent is found by it"
    assert unit["WantedBy"] == ["default.target"]


@pytest.mark.parametrize("odd", ["plain", "sp ace", 'quo"te', "per%cent", "dol$lar", "back\\slash"])
def test_systemd_takes_the_unit_whatever_the_directory_is_called(tmp_path: Path, odd: str) -> None:
    """Read by systemd's own parser, where it is installed."""
    verifier = shutil.which("systemd-analyze")
    if verifier is None:
        pytest.skip("systemd-analyze is not installed")
    python = tmp_path / odd / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    of = Definition(Places(tmp_path / odd, tmp_path / "config"), str(python), "/usr/bin")
    file = tmp_path / "quarterdeck-test.service"
    file.write_bytes(Systemd().content(of))
    done = subprocess.run(
        [verifier, "verify", "--user", "--man=no", str(file)],
        capture_output=True,
        text=True,
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        check=False,
    )
    about = [line for line in done.stderr.splitlines() if "quarterdeck-test" in line]
    assert about == []


def test_the_property_list_is_one_and_leaves_agents_alone(tmp_path: Path) -> None:
    places = Places(tmp_path / "state & <more>", tmp_path / "config")
    read = plistlib.loads(Launchd().content(definition(places)))
    assert read["ProgramArguments"][-1] == "quarterdeck.supervisor"
    assert read["AbandonProcessGroup"] is True
    assert read["KeepAlive"] == {"SuccessfulExit": False}
    assert read["RunAtLoad"] is True
    assert read["EnvironmentVariables"]["QUARTERDECK_STATE_DIR"] == str(places.state)


def test_every_state_directory_has_a_service_of_its_own(tmp_path: Path) -> None:
    names = {definition(Places(tmp_path / name, tmp_path)).name for name in ("one", "two", "three")}
    assert len(names) == 3
    assert all(name.startswith("quarterdeck-") for name in names)
    usual = Places(platformdirs.user_state_path("quarterdeck").absolute(), tmp_path)
    assert definition(usual).name == "quarterdeck"


def test_print_writes_nothing(qd: Qd) -> None:
    told = qd.json("service", "install", "--print")
    assert "KillMode=process" in told["content"]
    assert not Path(told["file"]).exists()


def test_install_twice_is_once_and_remove_takes_it_out(real: Qd, machine: Machine) -> None:
    """The unit is written, enabled and started, and the user lingers."""
    machine.has("systemctl", "loginctl")
    real.json("up")
    told = real.json("service", "install", PATH=machine.path)
    assert (told["changed"], told["current"], told["linger"]) == (True, True, True)
    file = Path(told["file"])
    assert file.parent == real.home / ".config" / "systemd" / "user"
    unit = file.name
    asked = machine.asked()
    assert f"systemctl --user enable {unit}" in asked
    assert "systemctl --user daemon-reload" in asked
    assert "loginctl enable-linger" in asked
    assert not [line for line in asked if "start" in line], "one runs already: it is left alone"
    written = file.stat()
    again = real.json("service", "install", PATH=machine.path)
    assert again["changed"] is False
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (written.st_mtime_ns, written.st_ino)
    assert real.json("service", "status", PATH=machine.path)["enabled"] is True
    assert real.json("service", "remove", PATH=machine.path)["removed"] is True
    assert not file.exists()
    assert f"systemctl --user disable {unit}" in machine.asked()
    assert real.json("service", "remove", PATH=machine.path)["removed"] is False
    assert real.json("status")["running"] is True


STARTER = """\
#!{python}
import os, re, shlex, subprocess, sys
unit = os.path.join({folder!r}, sys.argv[-1])
if "restart" in sys.argv:
    text = open(unit).read()
    value = lambda name: re.findall(f"^{{name}}=(.*)$", text, re.M)
    env = dict(shlex.split(line)[0].split("=", 1) for line in value("Environment"))
    subprocess.Popen(
        shlex.split(value("ExecStart")[0]), env=env, cwd="/", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
"""
"""A systemctl that really starts what the unit says."""


def test_upgrade_hands_over_to_the_service_that_is_installed(real: Qd, machine: Machine) -> None:
    """The supervisor that a command started is followed by one that the manager looks after."""
    machine.has("loginctl")
    folder = real.home / ".config" / "systemd" / "user"
    program = machine.bin / "systemctl"
    program.write_text(STARTER.format(python=sys.executable, folder=str(folder)))
    program.chmod(0o755)
    first = real.json("up")
    assert first["service"] is None
    installed = real.json("service", "install", PATH=machine.path)
    told = real.json("upgrade", PATH=machine.path)
    assert told["before"]["pid"] == first["pid"] != told["after"]["pid"]
    assert real.json("status")["service"] == f"systemd:{installed['name']}"


def test_where_none_runs_install_starts_it(qd: Qd, machine: Machine) -> None:
    machine.has("systemctl", "loginctl")
    told = qd.json("service", "install", PATH=machine.path)
    assert told["started"] is True
    assert f"systemctl --user restart {Path(told['file']).name}" in machine.asked()


def test_lingering_that_is_refused_is_said_with_the_remedy(
    qd: Qd, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has("systemctl")
    machine.has("loginctl", fails='"enable-linger"')
    (machine.bin / "loginctl").write_text(
        (machine.bin / "loginctl").read_text().replace("echo yes", "echo no")
    )
    told = qd.json("service", "install", PATH=machine.path)
    assert told["linger"] is False
    (note,) = told["notes"]
    assert "refused by the test" in note and "loginctl enable-linger" in note


def test_where_the_manager_does_not_answer_nothing_is_written(qd: Qd, machine: Machine) -> None:
    machine.has("systemctl", "loginctl", fails='"--property=Version"')
    code, error = qd.error("service", "install", PATH=machine.path)
    assert (code, error["code"]) == (1, "no_service_manager")
    assert "refused by the test" in error["message"]
    assert "ssh" in error["hint"]
    assert not (qd.home / ".config" / "systemd").exists()


def test_where_there_is_no_manager_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(QuarterdeckError) as found:
        registration.answering(Systemd())
    assert found.value.code == "no_service_manager"


def test_a_manager_that_fails_is_quoted(qd: Qd, machine: Machine) -> None:
    machine.has("loginctl")
    machine.has("systemctl", fails='"daemon-reload"')
    code, error = qd.error("service", "install", PATH=machine.path)
    assert (code, error["code"]) == (1, "service_failed")
    assert "daemon-reload" in error["message"] and "refused by the test" in error["message"]


def test_launchd_is_asked_to_load_it_once(
    tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has("launchctl")
    monkeypatch.setenv("PATH", machine.path)
    monkeypatch.setenv("HOME", str(tmp_path))
    of, manager = definition(Places(tmp_path / "state", tmp_path / "config")), Launchd()
    changed, notes = registration.install(registration.answering(manager), of)
    assert changed and "login" in notes[0]
    domain, label = f"gui/{os.getuid()}", f"dev.quarterdeck.{of.name}"
    assert f"launchctl bootstrap {domain} {manager.file(of)}" in machine.asked()
    count = len(machine.asked())
    assert registration.install(manager, of)[0] is False
    assert not [line for line in machine.asked()[count:] if "bootstrap" in line]
    assert registration.remove(manager, of) is True
    assert f"launchctl bootout {domain}/{label}" in machine.asked()
