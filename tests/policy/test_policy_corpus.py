"""What must never be allowed, and what must not be refused or asked about needlessly (C4)."""

import tomllib
from pathlib import Path

import pytest

from quarterdeck.policy.call import Call, Decision, Mode, Tool
from tests.policy.conftest import Place
from tests.policy.judging import DEFAULTS, judge

CORPUS = Path(__file__).with_name("corpus")
ATTACKS = [
    text
    for group in tomllib.loads((CORPUS / "attacks.toml").read_text("utf-8")).values()
    for text in group["strings"]
]
BENIGN = [
    line
    for line in (CORPUS / "benign.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def filled(text: str, place: Place) -> str:
    for name, value in (
        ("{root}", str(place.root)),
        ("{outside}", str(place.outside)),
        ("{long}", "a" * 4100),
        ("{many}", "; ".join(["ls"] * 21)),
    ):
        text = text.replace(name, value)
    return text


def test_the_corpus_is_large_enough_and_holds_nothing_twice() -> None:
    assert len(ATTACKS) >= 150
    assert len(BENIGN) >= 60
    assert len(set(ATTACKS)) == len(ATTACKS)
    assert len(set(BENIGN)) == len(BENIGN)


@pytest.mark.parametrize("mode", [Mode.NORMAL, Mode.TRUSTED, Mode.ASK_ALL, Mode.READ_ONLY])
def test_no_attack_is_allowed_in_any_mode(place: Place, mode: Mode) -> None:
    texts = [filled(text, place) for text in ATTACKS]
    allowed = [t for t in texts if judge(t, place.root, mode).decision is Decision.ALLOW]
    assert allowed == []


def test_no_attack_is_allowed_as_words_without_a_shell(place: Place) -> None:
    """Agents also give argv: a whole string as the program, or as a shell's argument."""
    for text in (filled(text, place) for text in ATTACKS):
        for argv in ((text,), ("bash", "-c", text), ("env", "sh", "-c", text)):
            call = Call(Tool.EXECUTE, place.root, place.root, argv=argv)
            assert DEFAULTS.decide(call).decision is not Decision.ALLOW, argv


def test_nothing_benign_is_refused_and_little_of_it_is_asked(place: Place) -> None:
    verdicts = {text: judge(filled(text, place), place.root) for text in BENIGN}
    assert [t for t, v in verdicts.items() if v.decision is Decision.FORBID] == []
    asked = {t: v.reason for t, v in verdicts.items() if v.decision is Decision.ASK}
    assert len(asked) <= len(BENIGN) // 10, asked


@pytest.mark.parametrize(
    "text",
    [
        "rm -rf /",
        "ls; sudo rm -rf /etc",
        "rm -rf ../../../../../../../../../..",
        "ls > x && rm -rf /",
        "rm -rf /*",
        "rm -rf ~",
        "mkfs.ext4 /dev/sda1",
        "dd if=/dev/zero of=/dev/sda",
    ],
)
def test_what_would_destroy_the_machine_is_forbidden_even_where_the_rest_is_unclear(
    place: Place, text: str
) -> None:
    verdict = judge(text, place.root)
    assert verdict.decision is Decision.FORBID
    assert verdict.rule is not None
    assert verdict.rule.startswith("default:")
