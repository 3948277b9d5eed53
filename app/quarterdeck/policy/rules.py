"""What a rule is: the tables of a policy file, checked (DESIGN §6)."""

import re
from functools import cached_property
from typing import Annotated, Any

import tomlkit
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from quarterdeck.policy import flags, programs
from quarterdeck.policy.call import FILE_TOOLS, Decision, Mode, Tool
from quarterdeck.policy.paths import Globs
from quarterdeck.policy.programs import Reach

PROJECT = "project"
_INSIDE = ("**",)


class Pattern(BaseModel):
    """A word of a command given as an expression that must fit all of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    regex: str

    @field_validator("regex")
    @classmethod
    def _compiles(cls, value: str, info: ValidationInfo) -> str:
        return _expression(value, info)

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The expression, ready to be matched."""
        return re.compile(self.regex)


def _expression(value: str, info: ValidationInfo) -> str:
    if isinstance(info.context, dict) and info.context.get(PROJECT):
        raise ValueError("a project's file cannot use expressions; name the words")
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no valid expression: {error}") from None
    return value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
_Texts = Annotated[tuple[_Text, ...], BeforeValidator(_listed), Field(max_length=200)]
Word = _Text | Annotated[tuple[_Text, ...], Field(min_length=1)] | Pattern


class Rule(BaseModel):
    """One rule: when it matches a call, or one simple command of it, its decision counts.

    An allow rule matches only if every path the command names fits `paths`; an ask or forbid
    rule does as soon as one of them fits.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    decision: Decision
    reason: str = Field(default="", max_length=500)
    tool: Annotated[tuple[Tool, ...], BeforeValidator(_listed), Field(min_length=1)] = (
        Tool.EXECUTE,
    )
    command: tuple[Annotated[tuple[Word, ...], Field(min_length=1)], ...] = ()
    """Prefixes of argv; a word may be a list of alternatives or `{regex = "…"}`."""
    exact: bool = False
    """Nothing may follow the prefix."""
    only_flags: _Texts | None = None
    """The flags that may follow; see flags.only for how they are written."""
    deny_flags: _Texts = ()
    """Flags with which the rule does not allow."""
    with_flags: _Texts = ()
    """Flags of which one must be there for the rule to ask or forbid."""
    operands: int | None = Field(default=None, ge=0)
    """How many words that are no flags may follow the prefix at most."""
    has: _Texts = ()
    """Expressions of which one must fit a whole word."""
    paths: _Texts | None = None
    not_paths: _Texts = ()
    anywhere: bool = False
    """The words of the command are not looked at as paths."""
    host: _Texts = ()
    server: _Texts = ()
    mcp_tool: _Texts = ()
    agent: _Texts = ()
    mode: Annotated[tuple[Mode, ...], BeforeValidator(_listed)] = ()
    read_only: bool = False
    """The command writes nothing, so that the mode read_only need not forbid it."""
    match: _Texts = ()
    not_match: _Texts = ()

    @field_validator("only_flags")
    @classmethod
    def _flag_forms(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for flag in value or ():
            if not flags.FLAG_FORM.fullmatch(flag):
                raise ValueError(f"{flag!r} is no flag; write -x, --name, -x=, --name=, -x# or -#")
        return value

    @field_validator("deny_flags", "with_flags")
    @classmethod
    def _denied_forms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for flag in value:
            if not flags.DENIED_FORM.fullmatch(flag):
                raise ValueError(f"{flag!r} is no flag; write -x or --name")
        return value

    @field_validator("has")
    @classmethod
    def _has_compiles(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        return tuple(_expression(text, info) for text in value)

    @model_validator(mode="after")
    def _makes_sense(self) -> "Rule":
        if self.tool != (Tool.EXECUTE,):
            only_commands = ("command", "exact", "only_flags", "deny_flags", "with_flags")
            for key in (*only_commands, "operands", "has", "anywhere"):
                if key in self.model_fields_set:
                    raise ValueError(f"`{key}` is for rules about the tool `execute` alone")
        if self.host and self.tool != (Tool.FETCH,):
            raise ValueError("`host` is for rules about the tool `fetch` alone")
        if (self.server or self.mcp_tool) and self.tool != (Tool.MCP,):
            raise ValueError("`server` and `mcp_tool` are for rules about the tool `mcp` alone")
        if self.decision is Decision.ALLOW:
            self._allows_with_care()
        elif self.deny_flags:
            raise ValueError("`deny_flags` is for allow rules; use `with_flags`")
        return self

    def _allows_with_care(self) -> None:
        """Refuse an allow rule that would let through what nobody can foresee."""
        if self.with_flags:
            raise ValueError("`with_flags` is for ask and forbid rules; use `only_flags`")
        if Tool.EXECUTE in self.tool and not self.command:
            raise ValueError("an allow rule needs `command`")
        if Tool.FETCH in self.tool and not self.host:
            raise ValueError('an allow rule needs `host`; `["*"]` is any')
        if Tool.MCP in self.tool and not self.server:
            raise ValueError("an allow rule needs `server`")
        for prefix in self.command:
            for program in _alternatives(prefix[0]):
                following = _alternatives(prefix[1]) if len(prefix) > 1 else (None,)
                for word in following:
                    self._reaches_no_further(program, word)

    def _reaches_no_further(self, program: str | None, following: str | None) -> None:
        if program is None:
            raise ValueError("an allow rule names its program; it cannot be an expression")
        far = programs.reach(program, following)
        if self.exact or far is Reach.PREFIX:
            return
        if far is Reach.EXACT or self.only_flags is None:
            raise ValueError(
                f"{program!r} can run other programs, so it can be allowed {far.value}"
            )

    @cached_property
    def text(self) -> str:
        """The rule in TOML, as it is told in the audit."""
        told = self.model_dump(mode="json", exclude_unset=True)
        return tomlkit.dumps({"rules": [told]}).strip()

    @cached_property
    def globs(self) -> Globs | None:
        """`paths`, where an allow rule without them is about the session's directory."""
        allows = self.decision is Decision.ALLOW
        globs = _INSIDE if self.paths is None and allows else self.paths
        return None if globs is None else Globs(globs, any_case=not allows)

    @cached_property
    def not_globs(self) -> Globs:
        """`not_paths`."""
        return Globs(self.not_paths)

    @cached_property
    def programs(self) -> frozenset[str] | None:
        """The programs it is about, or None if words alone do not tell."""
        names = [name for prefix in self.command for name in _alternatives(prefix[0])]
        told = frozenset(name for name in names if name is not None)
        return told if names and None not in names else None

    @cached_property
    def expressions(self) -> tuple[re.Pattern[str], ...]:
        """`has`."""
        return tuple(re.compile(text) for text in self.has)

    @property
    def about_files(self) -> bool:
        """Whether it can match calls that name files."""
        return any(tool in FILE_TOOLS for tool in self.tool)


def _alternatives(word: Word) -> tuple[str | None, ...]:
    if isinstance(word, Pattern):
        return (None,)
    return (word,) if isinstance(word, str) else word
