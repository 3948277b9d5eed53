"""The token shapes known to everybody: a public head, then a secret run of one set of characters.

The head (`ghp_`, `password=`, `-----BEGIN … PRIVATE KEY-----`) says what follows and is no
secret, so it stays readable, is never held back, and only the run after it is replaced.
"""

import re
from dataclasses import dataclass

from quarterdeck.model.redaction import value_tests as values

HEAD_LIMIT = 120
"""No head matches more characters than this."""

LOOK = 64
"""A run is judged by so many characters, unless its shape says otherwise."""

_PEM_RUN = re.compile(r"(?:[A-Za-z0-9+/=\s\\,:.\"'>|]|-{1,4}(?=[^-]))*+")
_PEM_CLOSING = re.compile(r"-----END[ A-Z0-9]{0,40}-----")
_PEM_CLOSING_BEGUN = re.compile(
    r"-{1,4}|-----(?:E|EN|END[ A-Z0-9]{0,40}-{0,4})?",
)


@dataclass(frozen=True, slots=True)
class TokenShape:
    """One kind of token.

    Attributes:
        name: Its own among the shapes; a stored state refers to it.
        kind: What a marker says it was.
        triggers: Lower-case texts; every match of `head` begins with one, in any case.
        head: The public part, at most HEAD_LIMIT characters, with a look-behind of one at most.
        body: The run of the secret's characters; matches the empty text too.
        hides: Judges the run.
        look: By how many of its characters the run is judged at most.
        block: Whether the run is a key block, which its END line ends.
    """

    name: str
    kind: str
    triggers: tuple[str, ...]
    head: re.Pattern[str]
    body: re.Pattern[str]
    hides: values.ValueTest
    look: int = LOOK
    block: bool = False

    def swallow(self, text: str, start: int, *, final: bool) -> tuple[int, bool]:
        """Return where the secret run from `start` on ends, and whether more text may prolong it.

        While a key block is open, what may be the beginning of its END line is left over.
        """
        if not self.block:
            end = _end(self.body, text, start)
            return end, end == len(text) and not final
        end = _end(_PEM_RUN, text, start)
        closing = _PEM_CLOSING.match(text, end)
        if closing is not None:
            return closing.end(), False
        open_end = end == len(text) or _PEM_CLOSING_BEGUN.fullmatch(text, end) is not None
        return end, open_end and not final


def _end(run: re.Pattern[str], text: str, start: int) -> int:
    found = run.match(text, start)
    return start if found is None else found.end()


_EDGE = "(?<![A-Za-z0-9])"
_ASSIGNED = r"(?:[\"'\\`*]{0,4}[ \t]{0,8}(?:=>|:=|[:=])[ \t\"'\\`*]{0,10}|>)"
_PASSWORD_NAMES = ("password", "passwd", "passphrase")
_PASSWORD_NAME = f"(?:{'|'.join(_PASSWORD_NAMES)})"
_KEY_OF = ("api", "access", "secret", "private", "auth", "account", "signing", "encryption")
_SECRET_NAMES = ("secret", "token", "credential", *_KEY_OF)
_SECRET_NAME = f"(?:secret|token|credentials?|(?:{'|'.join(_KEY_OF)})[_-]?key)"


def _token(kind: str, heads: str, body: str, hides: values.ValueTest, *triggers: str) -> TokenShape:
    return TokenShape(
        name=f"{kind} {triggers[0]}",
        kind=kind,
        triggers=triggers,
        head=re.compile(f"(?a){_EDGE}(?:{heads})"),
        body=re.compile(f"{body}*"),
        hides=hides,
    )


def _said(
    name: str, kind: str, head: str, body: str, hides: values.ValueTest, *triggers: str
) -> TokenShape:
    return TokenShape(
        name=name,
        kind=kind,
        triggers=triggers,
        head=re.compile(f"(?ai){head}"),
        body=re.compile(f"{body}*"),
        hides=hides,
    )


_TOKENS = (
    _token("github-token", "gh[pousr]_", r"[A-Za-z0-9_]", values.at_least(20),
           "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _token("github-token", "github_pat_", r"[A-Za-z0-9_]", values.at_least(20), "github_pat_"),
    _token("gitlab-token", "gl(?:pat|dt|rt|ptt|cbt|soat)-", r"[A-Za-z0-9_.-]",
           values.at_least(16, mixed=True),
           "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-"),
    _token("slack-token", r"xox[a-z](?:\.xox[a-z])?-|xapp-", r"[A-Za-z0-9-]",
           values.at_least(10, mixed=True), "xox", "xapp-"),
    _token("slack-webhook", r"hooks\.slack\.com/(?:services|workflows)/", r"[A-Za-z0-9/]",
           values.at_least(16, mixed=True), "hooks.slack.com/"),
    _token("anthropic-key", "sk-ant-", r"[A-Za-z0-9_-]", values.at_least(16), "sk-ant-"),
    _token("openai-key", "sk-(?!ant-)", r"[A-Za-z0-9_-]", values.at_least(20, mixed=True), "sk-"),
    _token("google-key", "AIza", r"[A-Za-z0-9_-]", values.at_least(30), "aiza"),
    _token("google-token", r"ya29\.|GOCSPX-", r"[A-Za-z0-9_.-]", values.at_least(20, mixed=True),
           "ya29.", "gocspx-"),
    _token("stripe-key", "(?:sk|rk)_(?:live|test)_", r"[A-Za-z0-9]", values.at_least(16),
           "sk_live_", "sk_test_", "rk_live_", "rk_test_"),
    _token("stripe-key", "whsec_", r"[A-Za-z0-9+/=]", values.at_least(24), "whsec_"),
    _token("npm-token", "npm_", r"[A-Za-z0-9]", values.at_least(30), "npm_"),
    _token("pypi-token", "pypi-", r"[A-Za-z0-9_-]", values.at_least(32, mixed=True), "pypi-"),
    _token("huggingface-token", "hf_", r"[A-Za-z0-9]", values.at_least(20), "hf_"),
    _token("aws-key-id", "AKIA|ASIA|ABIA|ACCA", r"[A-Za-z0-9]", values.aws_key_id,
           "akia", "asia", "abia", "acca"),
)  # fmt: skip
"""Shapes with a head of their own, known wherever they stand."""


def _unless_named(test: values.ValueTest) -> values.ValueTest:
    """Leave a value to the shape of its own that it begins with, which says better what it is."""

    def judged(run: str, after: str | None) -> int:
        for shape in _TOKENS:
            head = shape.head.match(run)
            if head is None:
                continue
            end = _end(shape.body, run, head.end())
            rest = run[end : end + 1] or after
            if shape.hides(run[head.end() : end], rest):
                return 0
        return test(run, after)

    return judged


_CARRIED = r"[A-Za-z0-9._~+/=-]"
_PASSWORD = r"[^\s\"'`;‹›\\]"
_FLAG = r"(?<![\w.-])--(?:[a-z]{1,12}-){0,3}"
_FLAG_END = r"[ \t]{1,8}[\"'\\]{0,4}"
_MACHINE_MADE = r"[A-Za-z0-9_+/=.~!@#$%^*:|-]"

SHAPES: tuple[TokenShape, ...] = (
    TokenShape(
        name="private-key",
        kind="private-key",
        triggers=("-----begin ",),
        head=re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"),
        body=re.compile(r"[A-Za-z0-9+/=\s\\,:.\"'>|-]*"),
        hides=values.key_block,
        look=128,
        block=True,
    ),
    *_TOKENS,
    TokenShape(
        name="jwt",
        kind="jwt",
        triggers=("eyj",),
        head=re.compile(r"(?<![A-Za-z0-9_.-])eyJ"),
        body=re.compile(r"[A-Za-z0-9_.-]*"),
        hides=values.jwt,
        look=4096,
    ),
    TokenShape(
        name="url-password",
        kind="url-password",
        triggers=("://",),
        head=re.compile(r"://[^\s/:@\"'<>‹›]{0,64}:"),
        body=re.compile(r"[^\s/?#\"'<>`‹›]*"),
        hides=values.url_password,
        look=256,
    ),
    _said("aws-secret", "aws-secret-key", f"secret[_-]?access[_-]?key{_ASSIGNED}",
          r"[A-Za-z0-9/+=]", values.aws_secret, "secret"),
    _said("authorization", "bearer-token",
          r"authorization[\"'\\]{0,4}[ \t]{0,8}[:=][ \t]{0,8}[\"'\\]{0,4}"
          r"(?:(?:bearer|basic|token|apikey)[ \t]{1,8})?",
          _CARRIED, _unless_named(values.credential), "authorization"),
    _said("bearer", "bearer-token", rf"{_EDGE}bearer[ \t]{{1,8}}",
          _CARRIED, _unless_named(values.bearer), "bearer"),
    _said("password", "password", f"{_PASSWORD_NAME}{_ASSIGNED}",
          _PASSWORD, _unless_named(values.password), *_PASSWORD_NAMES),
    _said("password-flag", "password", f"{_FLAG}{_PASSWORD_NAME}{_FLAG_END}",
          _PASSWORD, _unless_named(values.password), "--"),
    _said("secret", "secret", f"{_SECRET_NAME}{_ASSIGNED}",
          _MACHINE_MADE, _unless_named(values.random_value), *_SECRET_NAMES),
    _said("secret-flag", "secret", f"{_FLAG}{_SECRET_NAME}{_FLAG_END}",
          _MACHINE_MADE, _unless_named(values.random_value), "--"),
)  # fmt: skip
"""All built-in shapes; where two begin at the same character, the first one names it."""
