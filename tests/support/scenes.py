"""What the pictures and the snapshots show: a few sessions as a person would have them."""

from datetime import UTC
from pathlib import Path

from quarterdeck.tui.app import QuarterdeckApp
from quarterdeck.tui.deck_app import NO_KEYS_CHANGED
from quarterdeck.tui.keymap import Keymap
from quarterdeck.tui.left_drafts import LeftDrafts
from tests.support.scripted_deck import (
    NOW_MS,
    ScriptedSupervisor,
    ago,
    approval,
    event,
    session,
    shell,
)

OLD = """\
def backoff(attempt):
    return 0.5 * 2 ** attempt


def retry(call):
    for attempt in range(3):
        try:
            return call()
        except TimeoutError:
            sleep(backoff(attempt))
"""
NEW = """\
def backoff(attempt, most=2.0):
    return min(0.5 * 2 ** attempt, most)


def retry(call, tries=3):
    for attempt in range(tries):
        try:
            return call()
        except TimeoutError:
            if attempt == tries - 1:
                raise
            sleep(backoff(attempt))
"""


class SteppedClock:
    """A monotonic clock that stands until it is stepped."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def app_of(
    supervisor: ScriptedSupervisor,
    clock: SteppedClock | None = None,
    keymap: Keymap = NO_KEYS_CHANGED,
    *,
    opening: bool = False,
    left: LeftDrafts | None = None,
) -> QuarterdeckApp:
    """Return the app on a scripted supervisor, with every clock fixed."""
    return QuarterdeckApp(
        supervisor.connect,
        clock=lambda: NOW_MS,
        monotonic=clock or SteppedClock(),
        tz=UTC,
        host="buildbox",
        environ={"PATH": "/usr/bin", "API_KEY": "k-1", "UNNAMED": "no"},
        cwd=Path("/tmp"),
        read_after=0.01,
        keymap=keymap,
        opening=opening,
        left=left,
    )


def deck_of_six() -> ScriptedSupervisor:
    """Two sessions wait, one failed, one works, one is unread, one is read."""
    box = ScriptedSupervisor()
    deploy = session(
        1,
        title="Deploy api 2.4.1 to staging",
        agent="runbook",
        state="waiting",
        attention="waiting",
        open_approvals=1,
        cwd="/srv/api",
        state_since=ago(130),
    )
    box.add(
        deploy,
        [
            event(deploy, 1, "session.started", via="new"),
            event(deploy, 2, "user_message", text="Deploy 2.4.1 to staging, then smoke-test it."),
            event(
                deploy,
                3,
                "assistant_message",
                message_id="m1",
                text="The image is built and the migrations are **dry-run clean**.\n\n"
                "- 3 migrations, all additive\n- the image is `api:2.4.1`\n",
            ),
            event(
                deploy,
                4,
                "tool_call",
                tool_call_id="t1",
                title="Dry-run the migrations",
                kind="execute",
                status="completed",
            ),
            event(
                deploy,
                5,
                "command_output",
                tool_call_id="t1",
                text="$ migrate --dry-run\n0041_add_region     ok\n0042_backfill       ok\n"
                "0043_index_region   ok\n",
            ),
            event(
                deploy,
                6,
                "assistant_message",
                message_id="m2",
                text="Next is the rollout itself. It replaces the three staging pods one by one, "
                "so I ask first.",
            ),
            event(
                deploy,
                7,
                "approval.requested",
                approval_id="apr_1",
                kind="terminal",
                title="Roll out api 2.4.1",
                subject="kubectl rollout restart deployment/api",
            ),
        ],
    )
    retry = session(
        2,
        title="Cap the retry back-off",
        agent="opencode",
        state="waiting",
        attention="waiting",
        open_approvals=1,
        cwd="/home/mara/src/client",
        state_since=ago(45),
    )
    box.add(
        retry,
        [
            event(retry, 1, "user_message", text="Cap the back-off at two seconds."),
            event(
                retry,
                2,
                "assistant_message",
                message_id="m1",
                text="The back-off doubles without a cap, and the last failure is swallowed.",
            ),
            event(retry, 3, "diff", path="client/retry.py", old_text=OLD, new_text=NEW),
        ],
    )
    failed = session(
        3,
        title="Bisect the slow query",
        agent="opencode",
        state="failed_needs_human",
        attention="failed",
        open_approvals=1,
        failure="session/load failed three times: no conversation with that id",
        failure_kind="resume",
        state_since=ago(900),
    )
    box.add(failed, [event(failed, 1, "session.failed", reason=failed.failure)])
    box.add(
        session(
            4,
            title="Port the importer to the new schema",
            agent="claude",
            state="running",
            attention="active",
            queued=1,
            state_since=ago(20),
        )
    )
    box.add(
        session(
            5, title="Write release notes", attention="unread", version=9, state_since=ago(3700)
        )
    )
    box.add(session(6, title="Rotate the logs", state="asleep", state_since=ago(90000)))
    box.ask(
        approval(
            1,
            deploy,
            shell(
                "kubectl --context staging --namespace api rollout restart deployment/api"
                " && kubectl --context staging --namespace api rollout status deployment/api"
                " --timeout=180s"
            ),
            kind="terminal",
            title="Roll out api 2.4.1",
            reason="kubectl changes a cluster",
            matched_rule="ask kubectl rollout",
        )
    )
    box.ask(
        approval(
            2,
            retry,
            {
                "tool_call": {
                    "raw_input": {"path": "client/retry.py"},
                    "content": [
                        {
                            "type": "diff",
                            "path": "client/retry.py",
                            "old_text": OLD,
                            "new_text": NEW,
                        }
                    ],
                }
            },
            title="Edit client/retry.py",
        )
    )
    box.ask(
        approval(
            3,
            failed,
            {"text": "The agent's own session could not be resumed after 3 tries."},
            kind="session_recovery_required",
            title="",
            options=[
                {"option_id": name, "name": name.title(), "kind": name}
                for name in ("resume", "restart", "abandon")
            ],
        )
    )
    return box
