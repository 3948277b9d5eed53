"""What stands in place of an empty list: the agents found here, and what to press."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.tui.keys import Where, bindings

RUNBOOK = "runbook"
_RUNBOOK_SAYS = "built in: works a runbook step by step"


def first_found(profiles: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the agent to offer: the first that was found, the built-in one if no other was."""
    found = [str(profile.get("name")) for profile in profiles if profile.get("found")]
    return next((name for name in found if name != RUNBOOK), next(iter(found), None))


class Welcome(Widget, can_focus=True):
    """Says which agents are installed and offers to start one in this directory."""

    BINDINGS = bindings(Where.FIRST)
    DEFAULT_CSS = """
    Welcome { height: 1fr; display: none; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "welcome--title",
        "welcome--key",
        "welcome--found",
        "welcome--missing",
    }

    @dataclass
    class Start(Message):
        """Create a session with the agent that is offered, if there is one."""

        agent: str | None

    def __init__(self, cwd: Path, *, id: str | None = None) -> None:
        """Offer directory `cwd`; nothing is known of agents yet."""
        super().__init__(id=id)
        self._cwd = cwd
        self._profiles: Sequence[Mapping[str, Any]] = ()

    def show(self, profiles: Sequence[Mapping[str, Any]]) -> None:
        """Show these agents."""
        if profiles != self._profiles:
            self._profiles = profiles
            self.refresh()

    def _part(self, text: str, name: str) -> Content:
        return Content.styled(clean_line(text), self.get_visual_style(f"welcome--{name}"))

    def _key(self, key: str, text: str) -> Content:
        return self._part(f"  {key:<7}", "key") + Content(clean_line(text))

    def render(self) -> Content:
        """Render what fits: what to press, then what was found and what was not."""
        offered = first_found(self._profiles)
        lines = [
            self._part("No sessions yet", "title"),
            Content(""),
            self._key("enter", f"start {offered or 'an agent'} in {self._cwd}"),
            self._key("c", "choose the agent and the directory"),
            self._key("?", "a short tour, and every key"),
            self._key("q", "leave; agents you start go on without the screen"),
            Content(""),
        ]
        lines += self._agents()
        width, height = self.content_size
        shown = [line.truncate(width, ellipsis=True) for line in lines[:height]]
        return Content("\n").join(shown)

    def _agents(self) -> list[Content]:
        found = [profile for profile in self._profiles if profile.get("found")]
        missing = [str(p.get("name")) for p in self._profiles if not p.get("found")]
        lines = [self._part("Agents found here", "title")]
        for profile in found:
            name, command = str(profile.get("name")), profile.get("command") or ()
            says = _RUNBOOK_SAYS if name == RUNBOOK else " ".join(map(str, command))
            lines.append(self._part(f"  ✓ {name:<12}", "found") + Content(clean_line(says)))
        if not found:
            lines.append(Content("  none; name one under [agents] in config.toml"))
        if missing:
            lines.append(self._part("  not found: " + ", ".join(missing), "missing"))
        return lines

    def action_start(self) -> None:
        """Create a session with the agent that is offered."""
        self.post_message(self.Start(first_found(self._profiles)))

    async def on_click(self, event: events.Click) -> None:
        """Do what the clicked line says."""
        offset = event.get_content_offset(self)
        actions = {2: "start", 3: "screen.new_session", 4: "screen.help", 5: "app.quit"}
        if offset is not None and (action := actions.get(offset.y)):
            await self.run_action(action)
