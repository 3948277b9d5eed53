"""What the demo's sessions are, and what comes of them if they are answered as planned."""

from dataclasses import dataclass

from quarterdeck.model.states import Action


@dataclass(frozen=True)
class Scene:
    """One session of the demo."""

    title: str
    runbook: str
    """Its file in the project's folder `runbooks`."""
    decisions: tuple[Action, ...] = ()
    """The headless demo's answers to its approvals, in order."""
    changes: frozenset[str] = frozenset()
    """The files that are changed or new once it was answered so."""

    @property
    def prompt(self) -> str:
        """Return what the agent is asked to do."""
        return f"Work runbooks/{self.runbook}"


SCENES = (
    Scene(
        "Fix the failing test",
        "fix-test.md",
        (Action.APPROVE, Action.APPROVE),
        frozenset({"bin/greet"}),
    ),
    Scene(
        "Gated deploy to staging",
        "deploy.yaml",
        (Action.APPROVE, Action.APPROVE_SESSION),
        frozenset({"staging/index.html", "traffic.txt"}),
    ),
    Scene(
        "Bump the changelog",
        "changelog.yaml",
        (Action.APPROVE,),
        frozenset({"version.txt", "CHANGELOG.md"}),
    ),
    # Its command removes more than its text says: it should be denied, and then nothing changes.
    Scene("Clean the cache (dangerous)", "clean-cache.md", (Action.DENY,)),
    Scene("Follow the build log", "build-log.yaml"),
)
