"""Moments, as every interface writes them."""

import time
from datetime import UTC, datetime
from functools import lru_cache


# Of a message the event and the acknowledgement say it, in the same moment.
@lru_cache(maxsize=256)
def rfc3339(moment: datetime) -> str:
    """``moment`` in UTC with milliseconds: ``2026-05-01T09:30:00.000Z``. What is finer is cut."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def now() -> str:
    """This moment, as `rfc3339` writes it."""
    second, rest = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second(second)}{rest // 1_000_000:03d}Z"


# Every heartbeat is told the time: most in a second that others were told of.
@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return rfc3339(datetime.fromtimestamp(second, UTC))[: -len("000Z")]
