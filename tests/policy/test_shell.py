"""Which shell strings are judged, and as which commands; all else is asked about (DESIGN §6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.policy import shell


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("ls", [("ls",)]),
        ("  ls   -la  ", [("ls", "-la")]),
        ("cat 'a b' \"c d\"", [("cat", "a b", "c d")]),
        ("git log --format='%h %s'", [("git", "log", "--format=%h %s")]),
        ('grep "foo\\|bar" x', [("grep", "foo\\|bar", "x")]),
        ('echo "say \\"hi\\" for \\$5"', [("echo", 'say "hi" for $5')]),
        ("a && b || c; d | e", [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ("echo '' \"\"", [("echo", "", "")]),
        ("ls\n", [("ls",)]),
    ],
)
def test_plain_words_strings_and_four_operators_are_read(
    text: str, commands: list[tuple[str, ...]]
) -> None:
    reading = shell.read(text)
    assert reading.unclear is None
    assert [command.argv for command in reading.commands] == commands


def test_a_command_knows_what_joins_it_to_the_one_before() -> None:
    assert [c.joined for c in shell.read("a && b || c; d | e").commands] == [
        "",
        "&&",
        "||",
        ";",
        "|",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ls > x", "a redirection"),
        ("echo $(id)", "a command substitution"),
        ("echo $x", "a variable"),
        ("A=b ls", "an assignment"),
        ("export A=b", "a declaration"),
        ("(ls)", "a subshell"),
        ("ls &", "background"),
        ("ls |& cat", "'|&'"),
        ("ls # x", "a comment"),
        ("ls *.py", "'*'"),
        ("ls ~", "expands"),
        ("ls\nrm x", "more than one line"),
        ("l\u0455", "U+0455"),
        ("'ls'", "quoted"),
        ("ls '", "no complete shell command"),
        ("", "empty"),
        ("ls;", "after ';'"),
        ("a" * 4097, "4096 bytes"),
        ("; ".join(["ls"] * 21), "more than 20 commands"),
        ("echo 'a\\' b", "backslash before a quote"),
    ],
)
def test_everything_else_is_unclear_with_a_reason_that_names_it(text: str, told: str) -> None:
    reading = shell.read(text)
    assert reading.unclear is not None
    assert told in reading.unclear


def test_twenty_commands_and_4096_bytes_are_still_judged() -> None:
    assert shell.read("; ".join(["ls"] * 20)).unclear is None
    assert shell.read("echo " + "a" * 4091).unclear is None


def test_commands_of_an_unclear_text_can_still_be_recognised() -> None:
    reading = shell.read("ls > x && rm -rf /")
    assert reading.unclear is not None
    assert ("rm", "-rf", "/") in [command.argv for command in reading.commands]


@pytest.mark.parametrize(
    "text",
    [
        "\U000bc253e{\U000fef460P\x12\x03\U0005d2c7\U000d71c4O.D\x11\U000c8495 "
        "[\x96\U0003707f\U000630a1",
        "ls \ud800 [\U0010ffff",
        "((" * 2000,
        "cat " + "<<E " * 500,
    ],
)
def test_text_that_can_crash_the_grammar_is_survived(text: str) -> None:
    for _ in range(20):
        assert shell.read(text).unclear is not None


def test_a_forbidden_command_is_seen_beside_characters_that_are_asked_about() -> None:
    commands = shell.read("echo \u00fc && rm -rf /").commands
    assert ("rm", "-rf", "/") in [command.argv for command in commands]


WORDS = st.text(st.sampled_from("abc-./= \"'\\$`~*|&;<>(){}!#\n\té\u202e"), max_size=40)


@given(st.one_of(st.text(max_size=80), WORDS))
def test_reading_never_raises(text: str) -> None:
    shell.read(text)


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)))
def test_words_quoted_for_a_shell_are_read_as_they_were(words: list[str]) -> None:
    """Or not at all: a single quote takes a form that is asked about."""
    quoted = " ".join("'" + word.replace("'", "'\"'\"'") + "'" for word in words)
    reading = shell.read(f"echo {quoted}")
    if reading.unclear is None:
        assert reading.commands[0].argv == ("echo", *words)
    else:
        assert set("\\~") & set("".join(words)) or any("=" in word for word in words)


@pytest.mark.parametrize("redirect", ["2>/dev/null", ">/dev/null", "2>&1", ">/dev/null 2>&1"])
def test_three_redirections_that_throw_output_away_change_nothing(redirect: str) -> None:
    """DESIGN §6 asks about redirections; these, written exactly so, write to no file."""
    plain = shell.read("grep -n x a.txt | wc -l")
    assert shell.read(f"grep -n x a.txt {redirect} | wc -l {redirect}") == plain
    assert plain.unclear is None


@pytest.mark.parametrize(
    "text",
    [
        "ls 2> /dev/null",
        "ls 1>/dev/null",
        "ls>/dev/null",
        "ls 2>/dev/null x",
        "2>/dev/null ls",
        "ls 2>&1 >x",
        "ls '' 2>/dev/null/",
        'ls 2>"/dev/null"',
        "ls 2>/dev/null&& ls",
        "ls 2>&1&",
    ],
)
def test_any_other_form_of_a_redirection_is_unclear(text: str) -> None:
    assert shell.read(text).unclear is not None
