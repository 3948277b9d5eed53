"""Values of secret-looking environment variables (A2, A15)."""

import json

import pytest

from quarterdeck.model.redaction.known_secrets import is_secret_name, is_trivial, secrets_of
from quarterdeck.model.redaction.redactor import Redactor

VALUE = 'q7 "Zk/é+w2'


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY", "GITHUB_TOKEN", "CLIENT_SECRET", "DB_PASSWORD", "MYSQL_PASSWD",
        "PGPASSWORD", "AWS_CREDENTIALS", "NPM_AUTH", "ANTHROPIC_AUTH_TOKEN", "SECRET_KEY_BASE",
        "apikey", "KEY2",
    ],
)  # fmt: skip
def test_secret_names(name: str) -> None:
    """Names with KEY, TOKEN, SECRET, PASSWORD, PASSWD, CREDENTIAL or AUTH as a word's end."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "HOME", "PATH", "PWD", "SSH_AUTH_SOCK", "GIT_AUTHOR_NAME", "KEYBOARD_LAYOUT", "TOKEN_FILE",
        "TOKENIZERS_PARALLELISM", "XAUTHORITY", "SSL_KEY_PATH", "",
    ],
)  # fmt: skip
def test_other_names(name: str) -> None:
    """Names of places and of other things are no secrets."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value", ["", "short7!", "aaaaaaaaaaaa", "postgres", "production", "/run/user/1000/keyring"]
)
def test_trivial_values(value: str) -> None:
    """A value that stands in every other text would make all of it unreadable."""
    assert is_trivial(value)


def test_values_are_taken_by_name() -> None:
    """The kind is the variable's name, so that a person knows what to rotate."""
    found = secrets_of({"MY_TOKEN": "x9Kq-77-plum", "HOME": "x9Kq-77-pear", "A_KEY": "true"})
    assert found == {"$MY_TOKEN": "x9Kq-77-plum"}


def test_a_value_is_found_in_every_form() -> None:
    """Raw, within JSON, within a URL, and within a word."""
    redactor = Redactor(secrets={"$T": VALUE})
    marked = "‹redacted $T short›"
    assert redactor.redact(f"x{VALUE}x") == f"x{marked}x"
    assert redactor.redact(json.dumps(["a", VALUE], ensure_ascii=False)) == f'["a", "{marked}"]'
    escaped = redactor.redact(json.dumps(["a", VALUE]))
    assert escaped.startswith('["a", "‹redacted $T') and "Zk" not in escaped
    assert "Zk" not in redactor.redact("https://h/?t=q7%20%22Zk%2F%C3%A9%2Bw2&u")


def test_the_longest_of_overlapping_values_wins() -> None:
    """One value may begin like another."""
    redactor = Redactor(secrets={"$A": "plum-1234", "$B": "plum-1234-5678-9012"})
    assert redactor.redact("plum-1234-5678-9012") == "‹redacted $B medium›"
    assert redactor.redact("plum-1234-5678") == "‹redacted $A short›-5678"


def test_the_leftmost_of_overlapping_values_wins() -> None:
    """Also if it is the shorter one."""
    redactor = Redactor(secrets={"$LONG": "plum-1234-5678-9012", "$SHORT": "my-plum-12"})
    assert redactor.redact("my-plum-1234-5678-9012") == "‹redacted $SHORT short›34-5678-9012"


def test_a_very_long_value_is_found_in_pieces() -> None:
    """No more than a piece is ever held back."""
    value = "".join(f"{n:05x}" for n in range(1, 900))
    redacted = Redactor(secrets={"$LONG": value}).redact(f"<{value}>")
    assert "0001" not in redacted and redacted[0] == "<" and redacted[-1] == ">"
    assert "0037a" not in redacted


def test_a_line_of_a_value_of_several_lines_is_found() -> None:
    """A key file's content may be shown by lines, with something before each."""
    value = "-----BEGIN X-----\nAbCdEfGhIjKlMnOpQr1\nZyXwVuTsRqPoNmLk2\n-----END X-----"
    redacted = Redactor(secrets={"$K": value}).redact("1: AbCdEfGhIjKlMnOpQr1\n2: x")
    assert redacted == "1: ‹redacted $K medium›\n2: x"
