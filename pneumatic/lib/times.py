"""Moments, as every interface writes them."""

from datetime import UTC, datetime
from functools import lru_cache


# Of a message the event and the acknowledgement say it, in the same moment.
@lru_cache(maxsize=256)
def rfc3339(moment: datetime) -> str:
    """``moment`` in UTC with milliseconds: ``2026-05-01T09:30:00.000Z``. What is finer is cut."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"
