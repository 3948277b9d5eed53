"""`qd approvals`, `qd approve`, `qd deny`, `qd abort`: what waits for a person, and the answer."""

import json as json_text
import uuid
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quarterdeck.cli.invocation import Invocation, Json, command_group
from quarterdeck.cli.output import age, short_id
from quarterdeck.model import forms
from quarterdeck.model.approval_text import subject
from quarterdeck.model.canonical import sha256
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean, mixed_scripts
from quarterdeck.model.records import ApprovalView, DecisionView
from quarterdeck.model.states import ASKED_BY_AGENT, Action

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()

ApprovalId = Annotated[
    str, typer.Argument(metavar="ID", help="An approval's id; its end is enough if unique.")
]
Hash = Annotated[
    str | None,
    typer.Option(
        "--sha256",
        metavar="HASH",
        help="payload_sha256 of what you saw; without it the text is printed and its hash sent.",
    ),
]
Reason = Annotated[str | None, typer.Option(help="For the record, and for the agent.")]
Option = Annotated[
    str | None, typer.Option(help="One of the approval's options: resume, restart or abandon.")
]


@commands.command("approvals")
def approvals(ctx: typer.Context, json: Json = False) -> None:
    """List the open approvals, oldest first."""
    invocation = Invocation.of(ctx, json)
    views = invocation.run(lambda deck: deck.approvals())
    rows = [
        (
            short_id(view.approval_id),
            short_id(view.session_id),
            age(view.created_at),
            view.kind,
            clean(view.subject, strict=True),
        )
        for view in views
    ]
    head = ("APPROVAL", "SESSION", "WAITS", "KIND", "WHAT")
    invocation.out.table([view.to_wire() for view in views], head, rows)


@commands.command("approve")
def approve(
    ctx: typer.Context,
    approval: ApprovalId,
    for_session: Annotated[
        bool, typer.Option("--for-session", help="And what is alike, in this session.")
    ] = False,
    always: Annotated[
        bool, typer.Option("--always", help="And allow what was proposed for good.")
    ] = False,
    prefix: Annotated[
        str | None, typer.Option(help="With --always: a longer prefix than was proposed.")
    ] = None,
    option: Option = None,
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="To fill in a field of a form; repeat it."),
    ] = None,
    payload_sha256: Hash = None,
    reason: Reason = None,
    json: Json = False,
) -> None:
    """Let it happen."""
    if always and for_session:
        raise QuarterdeckError("invalid_params", "--always and --for-session exclude each other")
    action = Action.APPROVE_SESSION if for_session else Action.APPROVE
    action = Action.APPROVE_ALWAYS if always else action
    invocation = Invocation.of(ctx, json)
    decide(invocation, approval, action, payload_sha256, reason, option, prefix, field)


@commands.command("deny")
def deny(
    ctx: typer.Context,
    approval: ApprovalId,
    for_session: Annotated[
        bool, typer.Option("--for-session", help="A network host: for the rest of the session.")
    ] = False,
    always: Annotated[
        bool, typer.Option("--always", help="A network host: and forbid it for good.")
    ] = False,
    reason: Reason = None,
    payload_sha256: Hash = None,
    json: Json = False,
) -> None:
    """Do not let it happen; the agent goes on without it, and is told the reason."""
    if always and for_session:
        raise QuarterdeckError("invalid_params", "--always and --for-session exclude each other")
    action = Action.DENY_SESSION if for_session else Action.DENY
    action = Action.DENY_ALWAYS if always else action
    decide(Invocation.of(ctx, json), approval, action, payload_sha256, reason)


@commands.command("abort")
def abort(
    ctx: typer.Context,
    approval: ApprovalId,
    reason: Reason = None,
    payload_sha256: Hash = None,
    json: Json = False,
) -> None:
    """Do not let it happen, and end the agent's turn."""
    decide(Invocation.of(ctx, json), approval, Action.ABORT, payload_sha256, reason)


def decide(
    invocation: Invocation,
    approval_id: str,
    action: Action,
    payload_sha256: str | None,
    reason: str | None,
    option: str | None = None,
    prefix: str | None = None,
    fields: list[str] | None = None,
) -> None:
    """Decide an approval on the text with that hash, or on the one printed here (DESIGN §4)."""

    async def settle(deck: "Deck") -> DecisionView:
        view = await deck.approval(approval_id)
        seen = payload_sha256
        if seen is None:
            show = invocation.out.note if invocation.out.json else invocation.out.line
            show(exact_text(view))
            seen = sha256(view.payload)
        return await deck.decide(
            view.approval_id,
            run_id=view.run_id,
            payload_sha256=seen,
            action=action.value,
            token=str(uuid.uuid4()),
            option=option,
            reason=reason,
            prefix=prefix,
            content=None if fields is None else form_content(view, fields),
        )

    made = invocation.run(settle)
    invocation.out.emit(made.to_wire(), f"{made.approval_id} {made.state}")


def form_content(view: ApprovalView, given: list[str]) -> dict[str, Any]:
    """Return what `--field NAME=VALUE` fills into a form.

    Raises:
        QuarterdeckError: `form_invalid` if it is no form, has no such field, or a value does not
            fit; the supervisor checks the whole of it again.
    """
    try:
        payload = json_text.loads(view.payload)
        known = {field.name: field for field in forms.fields_of(payload.get("schema"))}
        content: dict[str, Any] = {}
        for pair in given:
            name, _, value = pair.partition("=")
            if name not in known:
                raise forms.FormProblem(f"{name}: the form has no such field")
            content[name] = forms.parsed(known[name], value)
    except (ValueError, AttributeError) as error:
        raise QuarterdeckError("form_invalid", str(error)) from error
    return content


def exact_text(view: ApprovalView) -> str:
    """Return what a person must see of an approval: whole, invisible characters spelled out.

    Raises:
        QuarterdeckError: `internal` if its payload is no JSON object: it cannot be shown.
    """
    try:
        text = subject(json_text.loads(view.payload))
    except (ValueError, AttributeError) as error:
        raise QuarterdeckError("internal", f"{view.approval_id} cannot be read: {error}") from error
    facts = [
        f"approval {view.approval_id} ({view.kind}) of session {view.session_id}",
        f"the agent calls it: {view.title}" if view.kind in ASKED_BY_AGENT else view.title,
        f"in: {view.cwd}",
        f"because: {view.reason}" if view.reason else "",
        f"rule: {view.matched_rule}" if view.matched_rule else "",
        *(f"offered for good: {rule}" for rule in _offered(view)),
    ]
    odd = mixed_scripts(f"{view.cwd} {text}")
    warning = [f"look twice, letters of several scripts in: {' '.join(odd)}"] if odd else []
    head = [clean(fact, strict=True).replace("\n", "\\n") for fact in facts if fact]
    told = [clean(line, strict=True) for line in warning]
    length = f"what would happen ({len(text)} characters):"
    return "\n".join([*head, *told, length, clean(text, strict=True)])


def _offered(view: ApprovalView) -> list[str]:
    """Return what --always would be about: the words of a prefix, or a host."""
    found = [option.get("prefix") or option.get("host") for option in view.options]
    return list(dict.fromkeys(rule for rule in found if rule))
