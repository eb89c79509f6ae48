"""Whether the audit trail is as it was written."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from django.db.models import Subquery
from django.db.models.functions import Coalesce

from accounts.models import AuditEvent, AuditHead
from accounts.models.audit import BEGINNING


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in the chain that was noted elsewhere: on paper, in a log, at the last check."""

    number: int
    digest: str


def head() -> Anchor:
    """The end of the chain; number 0 where nothing has happened yet."""
    found = AuditHead.objects.first()
    return Anchor(found.number, found.digest) if found else Anchor(0, BEGINNING)


def problems(*, since: Anchor | None = None) -> Iterator[str]:
    """Each thing that is wrong with the chain, as a sentence; nothing for a sound one.

    ``since`` must be in the chain as it was noted; it finds out a chain that was rewritten as a
    whole, its end included. Events that are added meanwhile are left out.
    """
    end = head()
    number, digest = 0, BEGINNING
    anchored = since is None or since.number == 0
    for event in AuditEvent.objects.filter(number__lte=end.number).order_by("number").iterator():
        if event.number != number + 1:
            yield f"{_events(number + 1, event.number - 1)} missing."
        elif event.previous != digest:
            yield f"Event {event.number} doesn't follow the one before it."
        event.at = event.at.astimezone(UTC)
        if event.digest != event.expected_digest():
            yield f"Event {event.number} was changed."
        if since is not None and event.number == since.number:
            anchored = event.digest == since.digest
        number, digest = event.number, event.digest
    if number < end.number:
        yield f"{_events(number + 1, end.number)} missing, at the end."
    elif digest != end.digest:
        yield f"Event {number} is not the one that was written last."
    if not anchored and since is not None:
        yield f"Event {since.number} is not the one that was noted."
    if _beyond_the_end():
        yield "There are events beyond the end: they were not written by this program."


def _beyond_the_end() -> bool:
    # In one statement, so that an event that is written in this moment doesn't count.
    end = Coalesce(Subquery(AuditHead.objects.filter(id=1).values("number")), 0)
    return AuditEvent.objects.filter(number__gt=end).exists()


def _events(first: int, last: int) -> str:
    return f"Event {first} is" if first == last else f"Events {first} to {last} are"
