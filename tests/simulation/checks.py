"""What must hold, whatever happened: asked of the database, the files and the agents."""

import json
import re
from typing import TYPE_CHECKING, Any

from quarterdeck.model.states import ACTION_LEADS_TO, TERMINAL_RUN_STATES, Action

if TYPE_CHECKING:
    from tests.simulation.clients import Memory
    from tests.simulation.keepers import Keeper
    from tests.simulation.world import World

NUMBER = re.compile(r"#(\d+) ")
OPEN = ("pending", "acknowledged")
LIVE = ("idle", "running", "waiting")


def always(world: "World", memory: "Memory") -> None:
    """Check what must hold at any moment, also right after a crash."""
    _numbers(world)
    _committed_first(world)
    _acknowledged(world, memory)
    _decisions(world, memory)
    _orphans(world)


def when_quiet(world: "World", memory: "Memory") -> None:
    """Check what must hold once nothing moves any more."""
    always(world, memory)
    _journals(world)
    _spools(world)
    _sessions(world)
    _commands(world)
    _questions(world, memory)
    _deliveries(world, memory)


def _numbers(world: "World") -> None:
    """Per run the events are 1 to n, and n is what the run says (A2)."""
    for row in world.disk.rows(
        "SELECT r.run_id, r.last_event_seq AS last, count(e.seq) AS many, max(e.seq) AS top"
        " FROM runs r LEFT JOIN events e USING (run_no) GROUP BY r.run_no"
    ):
        if row["many"] != row["last"] or (row["top"] or 0) != row["last"]:
            world.violation(f"run {row['run_id']} has a gap: {tuple(row)}")


def _committed_first(world: "World") -> None:
    """Nothing is in a spool that is not committed: it could be said once more, or otherwise."""
    sizes = {row["run_id"]: row["spool_size"] for row in world.disk.rows("SELECT * FROM runs")}
    for keeper in world.keepers:
        if keeper.powerless or not keeper.directory.spool.exists():
            continue
        size = keeper.directory.spool.stat().st_size
        if size > sizes.get(keeper.run_id, 0):
            world.violation(f"the spool of {keeper.run_id} has {size} bytes, too many")


def _acknowledged(world: "World", memory: "Memory") -> None:
    """Nothing that a client was told is gone."""
    sessions = {row["session_id"] for row in world.disk.rows("SELECT session_id FROM sessions")}
    commands = {row["command_id"]: row for row in world.disk.rows("SELECT * FROM commands")}
    texts: dict[str, list[Any]] = {}
    for row in commands.values():
        texts.setdefault(row["text"], []).append(row)
    for key, ids in memory.new.items():
        if ids["session_id"] not in sessions or ids["command_id"] not in commands:
            world.violation(f"the session of {key!r} was acknowledged and is gone")
        elif len(texts[ids["text"]]) != 1:
            world.violation(f"{key!r} made {len(texts[ids['text']])} sessions")
    for text, row in memory.sent.items():
        if row["command_id"] not in commands:
            world.violation(f"{text!r} was acknowledged and is gone")
        runs = [other["run_id"] for other in texts.get(text, [])]
        if len(set(runs)) != len(runs):
            world.violation(f"{text!r} has {len(runs)} commands")
    for command_id, row in memory.commands.items():
        if command_id not in commands:
            world.violation(f"the {row['kind']} {command_id} was acknowledged and is gone")
    if memory.events:
        stored = {
            (row["run_id"], row["seq"]): row["type"]
            for row in world.disk.rows(
                "SELECT run_id, seq, type FROM events JOIN runs USING (run_no)"
            )
        }
        for key, told in memory.events.items():
            if key not in stored or not told.startswith(repr((stored[key],))[:-2]):
                world.violation(f"event {key} was shown and is not there: {told}")
    marks = {
        (row["reader"], row["session_id"]): row["version"]
        for row in world.disk.rows("SELECT * FROM readers")
    }
    for key, version in memory.marks.items():
        if marks.get(key, 0) < version:
            world.violation(f"the read mark {key} went back to {marks.get(key)} from {version}")


def _decisions(world: "World", memory: "Memory") -> None:
    """A decision that was answered is the one that stands, and there is one (D9)."""
    stored = {
        row["approval_id"]: row
        for row in world.disk.rows(
            "SELECT d.*, a.state FROM decisions d JOIN approvals a USING (approval_id)"
        )
    }
    for wanted, decision in memory.decided:
        row = stored.get(wanted["approval_id"])
        if row is None or row["decision_id"] != decision["decision_id"]:
            world.violation(f"the decision {decision['decision_id']} was answered and is gone")
        elif (row["action"], row["token"]) != (wanted["action"], wanted["token"]):
            world.violation(f"{wanted} was answered, but {row['action']} stands")
        elif wanted.get("option") is None:
            leads_to = ACTION_LEADS_TO[Action(wanted["action"])]
            if row["state"] != leads_to:
                world.violation(f"{wanted} led to {row['state']}")


def _orphans(world: "World") -> None:
    """No question of a run that has ended is open; no prompt ended with an agent it never met."""
    for row in world.disk.rows(
        "SELECT a.*, r.state AS run FROM approvals a JOIN runs r USING (run_id)"
        " WHERE a.state = 'pending' AND a.kind != 'session_recovery_required'"
    ):
        if row["run"] in TERMINAL_RUN_STATES:
            world.violation(f"{row['subject']!r} is asked for a run that is {row['run']}")
    for row in world.disk.rows(
        "SELECT * FROM commands WHERE kind IN ('turn', 'steer') AND state = 'failed'"
        " AND reason LIKE 'the agent ended unexpectedly%'"
        " AND command_id NOT IN (SELECT command_id FROM outbox WHERE command_id IS NOT NULL)"
    ):
        world.violation(f"{row['text']!r} waited, and failed with an agent that never got it")


def _complete_lines(keeper: "Keeper") -> list[dict[str, Any]]:
    journal = keeper.directory.journal
    if not journal.exists():
        return []
    found = []
    for line in journal.read_bytes().split(b"\n")[:-1]:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def _said(keeper: "Keeper") -> list[int]:
    texts = [
        message["params"]["update"]["content"]["text"]
        for message in _complete_lines(keeper)
        if message.get("method") == "session/update"
        and message["params"]["update"]["sessionUpdate"] == "agent_message_chunk"
    ]
    return [int(number) for number in NUMBER.findall("".join(texts))]


def _journals(world: "World") -> None:
    """Every line an agent wrote is recorded once, in order."""
    for keeper in world.keepers:
        found = world.disk.rows("SELECT * FROM runs WHERE run_id = ?", (keeper.run_id,))
        if not found:
            if not keeper.powerless:
                world.violation(f"an agent ran for {keeper.run_id}, which is not stored")
            continue
        run = found[0]
        events = world.disk.rows(
            "SELECT payload FROM events WHERE run_no = ? AND type = 'assistant_message'"
            " ORDER BY seq",
            (run["run_no"],),
        )
        text = "".join(json.loads(row["payload"]).get("text", "") for row in events)
        recorded = [int(number) for number in NUMBER.findall(text)]
        said = _said(keeper)
        cancelled = run["stopping"] == "cancel"  # what it says from then on is not recorded
        if keeper.powerless:
            right = recorded == list(range(1, len(recorded) + 1))
            right = right and (cancelled or len(recorded) >= len(said))
        elif cancelled:
            right = recorded == said[: len(recorded)]
        else:
            right = recorded == said
        if not right:
            world.violation(
                f"run {run['run_id']} ({run['state']}) said {said} and {recorded} is recorded"
            )


def _spools(world: "World") -> None:
    """What is committed for an agent that lives is in its spool, and the agent has read it."""
    for keeper in world.keepers:
        if not keeper.listening or keeper.stop_asked:
            continue
        place = 0
        spool = keeper.directory.spool.read_bytes()
        for row in world.disk.rows(
            "SELECT * FROM outbox WHERE run_id = ? ORDER BY ordinal", (keeper.run_id,)
        ):
            line = spool[place : place + row["length"]]
            if row["start"] != place or (row["payload"] is not None and row["payload"] != line):
                world.violation(f"the outbox of {keeper.run_id} does not fit its spool")
                return
            place += row["length"]
        if place != len(spool) or bytes(keeper.forwarded) != spool:
            world.violation(
                f"{keeper.run_id}: {place} bytes committed, {len(spool)} in the spool,"
                f" {len(keeper.forwarded)} with the agent"
            )


def _sessions(world: "World") -> None:
    """Each session is attached, at rest, or failed with a reason; nothing else runs."""
    alive = {keeper.run_id: keeper for keeper in world.keepers if keeper.alive}
    if len(alive) != sum(keeper.alive for keeper in world.keepers):
        world.violation("two keepers hold the same run")
    active = set()
    for row in world.disk.rows("SELECT * FROM sessions"):
        run_id, state = row["active_run_id"], row["state"]
        what = f"session {row['session_id']} is {state} with {run_id}"
        if state in LIVE:
            active.add(run_id)
            if run_id not in alive:
                world.violation(f"{what}, which has no agent")
        elif state == "failed_needs_human":
            if not row["failure"] or run_id is not None:
                world.violation(f"{what}, reason {row['failure']}")
        elif state != "closed" or run_id is not None:
            world.violation(what)
        if state == "idle" and row["active_command_id"] is not None:
            world.violation(f"{what} and {row['active_command_id']}")
    for run_id in set(alive) - active:
        world.violation(f"the agent of {run_id} runs, and no session has it")
    for row in world.disk.rows("SELECT * FROM runs"):
        if row["state"] not in TERMINAL_RUN_STATES and row["run_id"] not in active:
            world.violation(f"run {row['run_id']} is {row['state']}, and no session has it")


def _commands(world: "World") -> None:
    """Every command has ended, or waits for something that can be named."""
    agents = {keeper.run_id: keeper.agent for keeper in world.keepers if keeper.alive}
    for row in world.disk.rows(
        "SELECT c.*, s.state AS session, s.active_run_id, s.active_command_id FROM commands c"
        " JOIN sessions s USING (session_id) WHERE c.state IN ('pending', 'acknowledged')"
    ):
        agent = agents.get(row["active_run_id"])
        busy = agent is not None and agent.turn_open and row["active_command_id"] is not None
        waits = busy and row["session"] in ("running", "waiting")
        if row["state"] == "acknowledged" and row["kind"] in ("turn", "steer"):
            waits = waits and row["active_command_id"] == row["command_id"]
        if row["kind"] == "close" or not waits:
            world.violation(
                f"the {row['kind']} {row['text']!r} is {row['state']} in a session that is"
                f" {row['session']}, for no reason"
            )


def _questions(world: "World", memory: "Memory") -> None:
    """Every question of a live agent is answered or open, and answered as was decided."""
    rows: dict[str, list[Any]] = {}
    for row in world.disk.rows(
        "SELECT a.*, d.action AS decided, s.state AS session FROM approvals a"
        " LEFT JOIN decisions d USING (approval_id) JOIN sessions s USING (session_id)"
    ):
        rows.setdefault(row["run_id"], []).append(row)
        if (row["state"] == "pending") != (row["decided_at"] is None):
            world.violation(f"approval {row['approval_id']} is {row['state']} and half settled")
        if row["state"] == "pending" and row["session"] not in ("waiting", "failed_needs_human"):
            world.violation(f"an approval is open in a session that is {row['session']}")
    for keeper in world.keepers:
        agent = keeper.agent
        if agent is None:
            continue
        if agent.reading and keeper.listening and not keeper.stop_asked:
            world.violation(f"{keeper.run_id} waits for a file that nobody reads")
        known = {
            json.loads(row["request_id"]): row
            for row in rows.get(keeper.run_id, ())
            if row["request_id"]
        }
        for request_id, command in agent.asked.items():
            row, answers = known.get(request_id), agent.answers.get(request_id)
            if answers and _allows(answers[0]):
                asked_for = memory.wanted.get("" if row is None else row["subject"], set())
                if not asked_for & {"approve", "approve_session"}:
                    world.violation(f"{command!r} was allowed, and nobody did")
                if row is None or command not in row["subject"]:
                    world.violation(f"{command!r} was allowed by a decision on something else")
            if row is not None and row["decided"] is not None and answers:
                meant = row["decided"] in ("approve", "approve_session")
                if meant != _allows(answers[0]) and not _cancelled(answers[0]):
                    world.violation(f"{command!r} was answered otherwise than decided")
            open_here = row is not None and row["state"] == "pending"
            if keeper.listening and not keeper.stop_asked and not answers and not open_here:
                world.violation(f"{command!r} waits for an answer that nobody is asked for")


def _allows(result: Any) -> bool:
    return isinstance(result, dict) and (result.get("outcome") or {}).get("optionId") == "yes"


def _cancelled(result: Any) -> bool:
    return isinstance(result, dict) and (result.get("outcome") or {}).get("outcome") == "cancelled"


def _deliveries(world: "World", memory: "Memory") -> None:
    """Prompts reach agents once, those taken back never, those that ended well surely."""
    for text, agents in world.delivered.items():
        if text not in memory.tried:
            world.violation(f"an agent got {text!r}, which nobody sent")
        if len(agents) > 1:
            commands = world.disk.rows("SELECT * FROM commands WHERE text = ?", (text,))
            if len(commands) < len(agents):
                runs = [agent.keeper.run_id for agent in agents]
                world.violation(f"{text!r} was given to {runs}")
        if text in memory.taken_back:
            world.violation(f"{text!r} was taken back and given to an agent")
    for row in world.disk.rows(
        "SELECT text FROM commands WHERE kind IN ('turn', 'steer') AND state = 'completed'"
    ):
        if row["text"] not in world.delivered:
            world.violation(f"{row['text']!r} is completed, and no agent got it")
