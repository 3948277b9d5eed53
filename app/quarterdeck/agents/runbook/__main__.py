"""Start the runbook agent on stdin and stdout."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import cast

from acp import Agent, run_agent, stdio_streams

from quarterdeck.agents.runbook.agent import RunbookAgent
from quarterdeck.agents.runbook.progress import ProgressFiles, default_folder
from quarterdeck.agents.runbook.stdio import LineTransport
from quarterdeck.rpc.framing import CHUNK_BYTES


def main(arguments: list[str] | None = None) -> int:
    """Serve until stdin ends or TERM comes; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="qd agent runbook",
        description="Work runbooks step by step, speaking the Agent Client Protocol on stdio.",
    )
    parser.add_argument(
        "--progress-dir",
        type=Path,
        default=None,
        help="where sessions keep their progress (default: quarterdeck-runbook in XDG_STATE_HOME)",
    )
    folder = parser.parse_args(arguments).progress_dir or default_folder()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    return asyncio.run(_serve(folder.absolute()))


async def _serve(folder: Path) -> int:
    code, serving = 0, asyncio.current_task()

    def end_orderly() -> None:
        # So that the commands of running steps end with their agent.
        nonlocal code
        code = 128 + signal.SIGTERM
        if serving is not None:
            serving.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end_orderly)
    agent = RunbookAgent(ProgressFiles(folder))
    try:
        streams = await stdio_streams(limit=CHUNK_BYTES)
    except ValueError:
        sys.stderr.write("stdin and stdout must be pipes: an ACP client starts this agent\n")
        return 2
    transport = LineTransport(*streams)
    try:
        # The library's Agent lists every method; those not spoken here are left to its -32601.
        await run_agent(cast(Agent, agent), transport, use_unstable_protocol=True)
    except asyncio.CancelledError:
        if not code:
            raise
    return code


if __name__ == "__main__":
    sys.exit(main())
