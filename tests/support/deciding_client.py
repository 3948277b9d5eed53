"""A client process that decides at a given moment: `python -m tests.support.deciding_client NAME`.

Each line of stdin is `{"at": SECONDS, "decide": {…}}` with a moment of the machine's monotonic
clock and what `Deck.decide` takes; the answer on stdout is the decision or `{"error": CODE}`.
"""

import asyncio
import json
import sys
import time

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places


async def _serve(name: str) -> None:
    deck = await Deck.connect(Places.from_environment(), reader=name, client="race", start=False)
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        while time.monotonic() < order["at"]:
            pass  # all who race spin until the same moment
        try:
            told = (await deck.decide(**order["decide"])).to_wire()
        except QuarterdeckError as error:
            told = {"error": error.code}
        print(json.dumps(told), flush=True)
    await deck.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
