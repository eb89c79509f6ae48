"""Failed sign-ins in the audit trail: enough to see who is being guessed at, and no flood of it."""

from dataclasses import dataclass
from typing import Final, Literal

import structlog

from accounts.actions.audit import record
from accounts.models import AuditKind, User
from pneumatic.lib.shared.ratelimit import HOUR, address_key
from pneumatic.lib.shared.tallies import Tally

log = structlog.get_logger(__name__)

#: Events in an hour, of one address and of all: an attacker with many names, or many addresses,
#: doesn't fill the table. What is beyond is in the log.
EVENTS_OF_ADDRESS: Final = 30
EVENTS: Final = 600

_attempts: Final = Tally("failed-sign-ins", seconds=HOUR)
_events: Final = Tally("failed-sign-in-events", seconds=HOUR)

Door = Literal["sign_in", "setup", "admin", "browsable_api", "inside", "sign_on"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an attempt comes from: its address, the cookie of a known browser, or "", the door."""

    address: str | None = None
    device_cookie: str = ""
    door: Door = "sign_in"


def note_failure(*, key: str, user: User | None, origin: Origin, because: str) -> None:
    """Take note of a failure of ``key``, which stands for what was typed; ``user`` has that name.

    ``because`` is `password`, `code`, `waiting` (refused unseen, after too many) or a provider's.

    Told are the first of an hour for each key and address, the tenth, the hundredth and so on. To
    be called outside of any transaction, and alike whether or not somebody has the name: else
    the time would tell. What was typed is in no event: people type passwords into the wrong field.
    """
    place = address_key(origin.address or "")
    attempts = _attempts.add(f"{key}:{place}")
    log.info(
        "sign_in_failed",
        account=str(user.pk) if user else None,
        address=origin.address,
        door=origin.door,
        because=because,
        attempts=attempts,
    )
    if str(attempts).rstrip("0") != "1":
        return
    if _events.add(place) > EVENTS_OF_ADDRESS or _events.add("all") > EVENTS:
        return
    record(
        kind=AuditKind.SIGN_IN_FAILED,
        user=user,
        address=origin.address,
        detail={"door": origin.door, "because": because, "attempts": str(attempts)},
    )
