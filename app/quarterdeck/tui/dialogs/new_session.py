"""The new-session dialog: agent, directory, title and first prompt."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import SessionView
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.link import Link, reason_of
from quarterdeck.tui.neighbours import warning
from quarterdeck.tui.styles import dialog_styles
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine


@dataclass(frozen=True, slots=True)
class NewSession:
    """What the dialog returns when a session was created."""

    session_id: str


def wanted_env(profile: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables an agent profile names, as this client has them (DESIGN §11)."""
    return {name: environ[name] for name in profile.get("env_names") or () if name in environ}


class NewSessionDialog(ModalScreen[NewSession | None]):
    """Asks for a session's beginnings and creates it; errors stand in the dialog."""

    CSS_PATH = dialog_styles()
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.NEW, priority=True)

    def __init__(
        self,
        link: Link,
        *,
        cwd: str,
        environ: Mapping[str, str],
        agent: str | None = None,
        sessions: Callable[[], Sequence[SessionView]] = tuple,
    ) -> None:
        """Begin with directory `cwd`.

        Args:
            link: Where agents are listed and the session is created.
            cwd: The directory offered.
            environ: Where the variables an agent's profile names are taken from.
            agent: The agent chosen at first; None for the first that was found.
            sessions: Returns the sessions known, to warn of those in the same directory.
        """
        super().__init__()
        self._agent, self._sessions = agent, sessions
        self._link, self._cwd, self._environ = link, cwd, environ
        self._profiles: list[dict[str, Any]] = []
        self._key = uuid.uuid4().hex
        self._creating = False

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Vertical(id="new"):
            yield Static("agent", classes="new-label", markup=False)
            yield OptionList(id="new-agent", markup=False, compact=True)
            yield Static("directory", classes="new-label", markup=False)
            yield _still(Input(self._cwd, compact=True, id="new-cwd"))
            yield Static("", id="new-warning", markup=False)
            yield Static("title (made from the prompt if empty)", classes="new-label", markup=False)
            yield _still(Input(compact=True, id="new-title", max_length=200))
            yield Static("prompt", classes="new-label", markup=False)
            prompt = TextArea(id="new-prompt", tab_behavior="focus", compact=True)
            prompt.cursor_blink = False
            yield prompt
            yield Static("", id="new-error", markup=False)
            yield KeyLine(id="new-keys")

    def on_mount(self) -> None:
        """Show the keys and fetch the agents."""
        self.query_one("#new").border_title = Content("New session")
        self.query_one(KeyLine).show([KeyHint.of(entry) for entry in keys_of(Where.NEW)])
        # An agent that was offered and taken is chosen already: what is left is the prompt.
        self.query_one(OptionList if self._agent is None else TextArea).focus()
        self.run_worker(self._list_agents(), group="agents")

    async def _list_agents(self) -> None:
        try:
            profiles = await self._link.deck.agents()
        except QuarterdeckError as error:
            self._say(f"the agents cannot be listed: {reason_of(error)}")
            return
        self._profiles = sorted(profiles, key=lambda profile: not profile.get("found"))
        options = self.query_one(OptionList)
        options.add_options(_option(profile) for profile in self._profiles)
        if self._profiles and self._profiles[0].get("found"):
            names = [profile.get("name") for profile in self._profiles]
            options.highlighted = names.index(self._agent) if self._agent in names else 0
        else:
            self._say("no agent's program was found; see [agents] in config.toml")

    @on(Input.Changed, "#new-cwd")
    def _warn(self, event: Input.Changed) -> None:
        """Say who works in that directory already."""
        typed = event.value.strip()
        said = warning(self._sessions(), Path(typed)) if typed else ""
        shown = self.query_one("#new-warning", Static)
        shown.update(Content(clean_line(said)))
        shown.display = bool(said)

    def _say(self, text: str) -> None:
        self.query_one("#new-error", Static).update(Content(clean_line(text)))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go on to the prompt once the agent is chosen."""
        event.stop()
        self.query_one(TextArea).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the next field."""
        event.stop()
        self.focus_next()

    def action_create(self) -> None:
        """Check the form and create the session."""
        if self._creating:
            return
        chosen = self.query_one(OptionList).highlighted
        typed = self.query_one("#new-cwd", Input).value.strip()
        prompt = self.query_one(TextArea).text
        folder = Path(typed).expanduser() if typed else None
        if chosen is None or not self._profiles[chosen].get("found"):
            self._say("choose an agent whose program was found")
        elif folder is None or not folder.is_dir():
            self._say(f"there is no directory {typed!r}")
            self.query_one("#new-cwd").focus()
        elif not prompt.strip():
            self._say("write what the agent should do")
            self.query_one(TextArea).focus()
        else:
            self._creating = True
            self._say("creating …")
            self.run_worker(self._create(self._profiles[chosen], folder, prompt), group="create")

    async def _create(self, profile: Mapping[str, Any], folder: Path, prompt: str) -> None:
        """Create it; the idempotency key makes trying the same form again harmless (A4)."""
        try:
            made = await self._link.deck.new(
                agent=profile["name"],
                cwd=str(folder.absolute()),
                prompt=prompt,
                env=wanted_env(profile, self._environ),
                title=self.query_one("#new-title", Input).value.strip() or None,
                wait=False,
                key=self._key,
            )
        except QuarterdeckError as error:
            self._creating = False
            if error.code not in ("unreachable", "shutting_down"):
                self._key = uuid.uuid4().hex
            self._say(reason_of(error))
            return
        self.dismiss(NewSession(made["session_id"]))

    def action_leave(self) -> None:
        """Leave without creating anything."""
        self.dismiss(None)


def _still(field: Input) -> Input:
    field.cursor_blink = False
    return field


def _option(profile: Mapping[str, Any]) -> Option:
    name = clean_line(str(profile.get("name")))
    if profile.get("found"):
        return Option(Content(name))
    command = profile.get("command") or [""]
    program = clean_line(str(command[0] if isinstance(command, list) else command))
    return Option(Content(f"{name}  (not found: {program})"), disabled=True)
