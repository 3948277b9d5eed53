"""Ids: UUIDv7 with a prefix that says what the thing is (DESIGN §3)."""

import os
import time
import uuid
from enum import StrEnum


class Prefix(StrEnum):
    """What an id belongs to."""

    SESSION = "ses"
    RUN = "run"
    COMMAND = "cmd"
    APPROVAL = "apr"
    DECISION = "dec"
    JOB = "job"


def uuid7(*, at_ms: int | None = None) -> uuid.UUID:
    """Return a version 7 UUID (RFC 9562 §5.7): 48 bits of Unix milliseconds, then randomness."""
    millis = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    noise = int.from_bytes(os.urandom(10), "big")
    value = (millis & 0xFFFF_FFFF_FFFF) << 80 | noise
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def new_id(prefix: Prefix) -> str:
    """Return a fresh id such as `ses_019ab3…`; ids of one kind sort by their time of birth."""
    return f"{prefix.value}_{uuid7().hex}"


def is_whole(identifier: str, prefix: Prefix) -> bool:
    """Tell whether an id has the length of a whole one, so that there is nothing to look up."""
    return len(identifier) == len(prefix.value) + 33 and identifier.startswith(f"{prefix.value}_")


def short(identifier: str) -> str:
    """Return the form shown to people: the prefix and the last eight digits.

    The tail is used because the head of a UUIDv7 is a clock and alike for neighbours.
    """
    prefix, _, digits = identifier.partition("_")
    return f"{prefix}_{digits[-8:]}" if digits else identifier
