"""Rule files are checked when they are read, and a fault is told by line and key."""

import pytest

from quarterdeck.policy import rule_file
from quarterdeck.policy.rule_file import RuleFileError

RULE = '[[rules]]\nid = "a"\ndecision = "{decision}"\n{more}\n'


def parse(text: str, *, project: bool = False) -> rule_file.RuleFile:
    return rule_file.parse(text, "policy.toml", project=project)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version = 1\n[[rules\n", "policy.toml: no valid TOML"),
        ("# mine\n\nrule = 1\n", "policy.toml:3: unknown key 'rule'"),
        ("\nversion = 2\n", "policy.toml:2: version"),
        ("rules = 5\n", "`rules` is a list"),
        ('disable = "x"\n', "policy.toml:1: disable"),
        ('[[rules]]\nid = "a"\n', "policy.toml:1: rules[0].decision: Field required"),
        ('\n[[rules]]\nid = "a"\ndecision = "perhaps"\n', "policy.toml:4: rules[0].decision"),
        (RULE.format(decision="ask", more="colour = 1"), "policy.toml:4: rules[0].colour"),
        (RULE.format(decision="ask", more='only_flags = ["l"]'), "'l' is no flag"),
        (RULE.format(decision="ask", more='has = ["("]'), "no valid expression"),
        (RULE.format(decision="ask", more='tool = "read"\nexact = true'), "`exact` is for rules"),
        (RULE.format(decision="ask", more="") * 2, "policy.toml:6: rules[1].id: 'a' is taken"),
        (RULE.format(decision="allow", more=""), "needs `command`"),
        (RULE.format(decision="allow", more='tool = "fetch"'), "needs `host`"),
        (RULE.format(decision="allow", more='tool = "mcp"'), "needs `server`"),
        (
            RULE.format(decision="allow", more='command = [["x"]]\nmatch = ["x", "y"]'),
            "policy.toml:5: rules[0].match: 'y' is not matched",
        ),
        (
            RULE.format(decision="allow", more='command = [["x"]]\nnot_match = ["x 1"]'),
            "policy.toml:5: rules[0].not_match: 'x 1' is matched",
        ),
        (
            RULE.format(decision="allow", more='command = [["x"]]\nmatch = ["x > y"]'),
            "cannot be an example",
        ),
        (
            RULE.format(decision="allow", more='command = [["x"]]\nmatch = ["x; x"]'),
            "not one simple command",
        ),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(RuleFileError) as error:
        parse(text)
    assert told in str(error.value)
    assert str(error.value).startswith("policy.toml")


@pytest.mark.parametrize(
    "command",
    [
        '[["bash"]]',
        '[["python3.12", "x.py"]]',
        '[["env"]]',
        '[["/usr/bin/sudo", "ls"]]',
        '[["git"]]',
        '[["git", "log"]]',
        '[["find"]]',
        '[["uv", "run"]]',
        '[["npm"]]',
        '[[["ls", "xargs"]]]',
        '[[{ regex = ".*" }]]',
        '[["npm", ["test", "exec"]]]',
    ],
)
def test_programs_that_run_others_are_not_allowed_by_a_prefix(command: str) -> None:
    with pytest.raises(RuleFileError):
        parse(RULE.format(decision="allow", more=f"command = {command}"))


@pytest.mark.parametrize(
    "more",
    [
        'command = [["git", "log"]]\nonly_flags = ["--oneline"]',
        'command = [["bash", "scripts/test.sh"]]\nexact = true',
        'command = [["npm", "test"]]',
        'command = [["cargo", ["test", "build"]]]\ndeny_flags = ["--config"]',
    ],
)
def test_they_are_with_whole_commands_or_a_closed_list_of_flags(more: str) -> None:
    assert len(parse(RULE.format(decision="allow", more=more)).rules) == 1


def test_a_projects_file_brings_no_expressions_and_switches_nothing_off() -> None:
    text = RULE.format(decision="forbid", more='command = [[{ regex = "(a+)+b" }]]')
    assert parse(text).rules
    with pytest.raises(RuleFileError, match="cannot use expressions"):
        parse(text, project=True)
    with pytest.raises(RuleFileError, match="unknown key 'disable'"):
        parse('disable = ["secrets"]\n', project=True)


def test_a_file_too_long_is_refused() -> None:
    with pytest.raises(RuleFileError, match="over 262144 bytes"):
        parse("#" * (rule_file.BYTES_LIMIT + 1))
