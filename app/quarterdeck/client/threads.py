"""Calls about sessions as threads: names, shelves, forks, checkpoints, projects (A10, C1, C2)."""

from typing import Any

from quarterdeck.client.calls import DeckCalls
from quarterdeck.model.records import CheckpointView, ProjectView, RunView, SessionView


class ThreadCalls(DeckCalls):
    """What is done to a session as a whole."""

    async def changes(
        self, after_version: int = 0, *, limit: int = 100
    ) -> tuple[list[SessionView], int]:
        """Return the sessions whose version is greater, in version order, and the cursor (A10).

        Args:
            after_version: The cursor of the page before.
            limit: 1 to 500 rows.
        """
        page = await self.call("session.changes", after_version=after_version, limit=limit)
        return SessionView.from_table(page["sessions"]), page["cursor"]

    async def projects(self) -> list[ProjectView]:
        """Return the projects with how many of their sessions need what."""
        answer = await self.call("project.list")
        return [ProjectView.from_wire(row) for row in answer["projects"]]

    async def rename(self, session_id: str, title: str) -> SessionView:
        """Give the session another title of at most 200 characters (A7)."""
        return await self._changed("rename", session_id, title=title)

    async def describe(
        self,
        session_id: str,
        *,
        summary: str | None = None,
        metadata: dict[str, Any] | None = None,
        conversation_id: str | None = None,
        ephemeral: bool | None = None,
        expires_at: str | None = None,
    ) -> SessionView:
        """Say what a session is about, whose it is, how long it is kept (A6).

        Args:
            session_id: Which session.
            summary: What it is about; an empty one takes it away.
            metadata: Notes by name, instead of those there are.
            conversation_id: What the conversation is called elsewhere.
            ephemeral: Whether it is deleted once it is closed.
            expires_at: When it is closed and deleted: ISO 8601, or `never`.
        """
        return SessionView.from_wire(
            await self.call(
                "session.describe",
                session_id=session_id,
                summary=summary,
                metadata=metadata,
                conversation_id=conversation_id,
                ephemeral=ephemeral,
                expires_at=expires_at,
            )
        )

    async def pin(self, session_id: str) -> SessionView:
        """Keep it in the default list, first among its like."""
        return await self._changed("pin", session_id)

    async def unpin(self, session_id: str) -> SessionView:
        """Undo `pin`."""
        return await self._changed("unpin", session_id)

    async def archive(self, session_id: str) -> SessionView:
        """Take it out of every list but the archive (C1)."""
        return await self._changed("archive", session_id)

    async def unarchive(self, session_id: str) -> SessionView:
        """Bring it back whole."""
        return await self._changed("unarchive", session_id)

    async def delete(self, session_id: str) -> SessionView:
        """Delete it; `restore` undoes that for 30 days. Raises `session_live`."""
        return await self._changed("delete", session_id)

    async def restore(self, session_id: str) -> SessionView:
        """Undo a deletion."""
        return await self._changed("restore", session_id)

    async def resume(self, session_id: str, *, env: dict[str, str] | None = None) -> SessionView:
        """Give it a live run; one that has it is returned as it is (C1)."""
        answer = await self.call("session.resume", session_id=session_id, env=env)
        return SessionView.from_wire(answer)

    async def fork(
        self,
        session_id: str,
        *,
        checkpoint: str | None = None,
        prompt: str | None = None,
        title: str | None = None,
        env: dict[str, str] | None = None,
        wait: bool = False,
        key: str | None = None,
    ) -> dict[str, str | None]:
        """Make a session with this one's agent, directory and history (C1).

        Args:
            session_id: The parent.
            checkpoint: Its history up to there; default: up to now.
            prompt: The fork's first turn, which starts its agent; else a later prompt does.
            title: Default: the parent's, with a mark.
            env: This client's values of the variables the profile names.
            wait: Return only once the agent has answered its handshake.
            key: Idempotency key (A4).

        Returns:
            `{"session_id", "run_id", "command_id"}`; no command without a prompt.
        """
        return await self.call(
            "session.fork",
            session_id=session_id,
            checkpoint=checkpoint,
            prompt=prompt,
            title=title,
            env=env,
            wait=wait,
            key=key,
        )

    async def append_message(
        self,
        session_id: str,
        role: str,
        text: str,
        *,
        item: str | None = None,
        run_id: str | None = None,
    ) -> CheckpointView:
        """Write a message into the live run's trace without telling its agent (C2).

        Args:
            session_id: A session with a live run.
            role: `user` or `assistant`: who is to have said it.
            text: Its words.
            item: Which item of a conversation it is, in the caller's own words.
            run_id: Refuse unless this is the live run (R6).

        Returns:
            The checkpoint `latest`, which stands at the message.
        """
        answer = await self.call(
            "message.append",
            session_id=session_id,
            role=role,
            text=text,
            item=item,
            run_id=run_id,
        )
        return CheckpointView.from_wire(answer)

    async def save_checkpoint(self, session_id: str, name: str) -> CheckpointView:
        """Name the point where the session stands now (C2)."""
        answer = await self.call("checkpoint.save", session_id=session_id, name=name)
        return CheckpointView.from_wire(answer)

    async def checkpoints(self, session_id: str) -> list[CheckpointView]:
        """Return its checkpoints, `latest` among them, the newest first."""
        answer = await self.call("checkpoint.list", session_id=session_id)
        return [CheckpointView.from_wire(row) for row in answer["checkpoints"]]

    async def delete_checkpoint(self, session_id: str, name: str) -> None:
        """Forget a checkpoint."""
        await self.call("checkpoint.delete", session_id=session_id, name=name)

    async def cancel_run(
        self, session_id: str, *, run_id: str | None = None, reason: str | None = None
    ) -> RunView:
        """End a whole run as cancelled, agent and all (A12); default: the active one."""
        answer = await self.call("run.cancel", session_id=session_id, run_id=run_id, reason=reason)
        return RunView.from_wire(answer)

    async def mark_unread(self, session_id: str) -> None:
        """Make it unread for this reader (A9)."""
        await self.call("session.mark_unread", session_id=session_id)

    async def mark_all_read(
        self, *, up_to_version: int | None = None, project: str | None = None
    ) -> int:
        """Mark the listed sessions read for this reader, and return how many were not (A9).

        Args:
            up_to_version: Only sessions that have not changed since this version of the store.
            project: Only this project's.
        """
        answer = await self.call(
            "session.mark_all_read", up_to_version=up_to_version, project=project
        )
        return answer["marked"]

    async def _changed(self, verb: str, session_id: str, **params: str) -> SessionView:
        answer = await self.call(f"session.{verb}", session_id=session_id, **params)
        return SessionView.from_wire(answer)
