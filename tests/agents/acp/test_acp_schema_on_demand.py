"""The schema's types are looked up by name, and its library imported only when one is needed."""

import subprocess
import sys

import pytest
from pydantic import BaseModel

from quarterdeck.agents.acp import requests, validation

NAMES = {
    *validation.UPDATES.values(),
    *validation.ANSWERS.values(),
    *(name for _, name in requests.FILES.values()),
    *(name for _, name in requests.TERMINALS.values()),
    "RequestPermissionRequest",
    "Usage",
}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_type_that_is_named_is_in_the_schema(name: str) -> None:
    assert issubclass(validation.model(name), BaseModel)


def test_a_supervisor_can_be_reached_before_the_schema_is_imported() -> None:
    """Half a second of imports would stand between `qd up` and the socket."""
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, quarterdeck.supervisor.service; print('acp' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "False"
