"""Calls about what a session changed in its directory."""

from quarterdeck.client.calls import DeckCalls
from quarterdeck.model.worktree import ChangedFile, FileDiff, WorktreeDiff


class WorktreeCalls(DeckCalls):
    """Differences between a session's work tree and its base, and the names of its files."""

    async def diff(self, session_id: str) -> WorktreeDiff:
        """Return the files that differ from the base.

        Raises:
            QuarterdeckError: `no_worktree`, `git_failed`, `unknown_session`.
        """
        answer = await self.call("session.diff", session_id=session_id)
        files = tuple(ChangedFile.from_wire(row) for row in answer["files"])
        return WorktreeDiff(answer["top"], answer["base"], files, answer["more"])

    async def diff_file(self, session_id: str, path: str) -> FileDiff:
        """Return the difference of one file, at most 4 MiB of it."""
        answer = await self.call("session.diff_file", session_id=session_id, path=path)
        return FileDiff.from_wire(answer)

    async def files(self, session_id: str, words: str, limit: int = 20) -> list[str]:
        """Return files of the session's directory for completion, best first.

        Args:
            session_id: The session.
            words: Letters the path has, in this order.
            limit: 1 to 200.
        """
        return (await self.call("session.files", session_id=session_id, words=words, limit=limit))[
            "files"
        ]
