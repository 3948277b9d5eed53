"""All rules that count for a session: the defaults, the person's, the project's (DESIGN §6)."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from quarterdeck.policy import decide as decision
from quarterdeck.policy import rule_file
from quarterdeck.policy.call import Call, Verdict
from quarterdeck.policy.decide import SourcedRule
from quarterdeck.policy.rule_file import RuleFile, RuleFileError
from quarterdeck.policy.trust import Trust, content_hash

USER_FILE = "policy.toml"
"""The person's rule file in the configuration directory."""
PROJECT_FILE = Path(".quarterdeck/policy.toml")
"""A project's rule file in its directory."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules at one time; load a new one when a file changed."""

    rules: tuple[SourcedRule, ...]
    problems: tuple[str, ...] = ()
    """What is wrong with the files: with any, nothing is allowed and everything else is asked."""
    untrusted: tuple[str, ...] = ()
    """Ids of the project's allow rules that wait for trust."""
    project_sha256: str | None = None
    """What a person trusts the project's file by; None if there is none or it is broken."""

    @classmethod
    def load(
        cls,
        user_file: Path | None = None,
        project_file: Path | None = None,
        trust: Trust | None = None,
    ) -> "Rulebook":
        """Read the rule files; never raises for what is in them, and a missing one is empty.

        Args:
            user_file: The person's rules.
            project_file: The project's; its allow rules count only if `trust` holds for its
                content, its ask and forbid rules always do.
            trust: What the person trusts; None for nothing.
        """
        problems: list[str] = []
        user, _ = _load(user_file, problems)
        project, sha256 = _load(project_file, problems, project=True)
        trusted = (
            trust is not None
            and project_file is not None
            and sha256 is not None
            and trust.holds(project_file, sha256)
        )
        counted = project.rules if trusted else rule_file.tightening(project.rules)
        kept = _enabled(user.disable, user_file, problems)
        rules = [SourcedRule("default", rule) for rule in kept.rules]
        rules += [SourcedRule("user", rule) for rule in user.rules]
        rules += [SourcedRule("project", rule) for rule in counted]
        untrusted = tuple(rule.id for rule in project.rules if rule not in counted)
        return cls(tuple(rules), tuple(problems), untrusted, sha256)

    def decide(self, call: Call) -> Verdict:
        """Judge a call (C4); never raises."""
        return decision.decide(call, self.rules, self.problems[0] if self.problems else None)


@cache
def defaults() -> RuleFile:
    """Return the rules that are shipped."""
    text = resources.files("quarterdeck.policy").joinpath("defaults.toml").read_text("utf-8")
    return rule_file.parse(text, "defaults.toml")


def _enabled(disable: tuple[str, ...], file: Path | None, problems: list[str]) -> RuleFile:
    """Return the default rules without those the person switched off."""
    known = {rule.id for rule in defaults().rules}
    problems += [
        f"{file}: disable: there is no default rule {name!r}; remove it"
        for name in disable
        if name not in known
    ]
    return RuleFile(tuple(rule for rule in defaults().rules if rule.id not in disable))


def _load(
    file: Path | None, problems: list[str], *, project: bool = False
) -> tuple[RuleFile, str | None]:
    """Return what a file says and the hash of its content; a fault goes to `problems`."""
    if file is None:
        return RuleFile(()), None
    try:
        content = _content(file)
        if content is None:
            return RuleFile(()), None
        read = rule_file.parse(content.decode("utf-8"), str(file), project=project)
    except OSError as error:
        problems.append(f"{file}: {error.strerror or error}; make it readable or remove it")
    except UnicodeDecodeError:
        problems.append(f"{file}: no valid UTF-8; write it anew")
    except RuleFileError as error:
        problems.append(str(error))
    else:
        return read, content_hash(content)
    return RuleFile(()), None


def _content(file: Path) -> bytes | None:
    """Return a rule file's bytes, a little more than may be at most, or None without one."""
    try:
        if file.exists() and not file.is_file():
            raise RuleFileError(f"{file}: is no regular file; remove it")
        with file.open("rb") as opened:
            return opened.read(rule_file.BYTES_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
