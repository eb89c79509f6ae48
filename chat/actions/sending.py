"""Send messages: one, or all that wait at the moment in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection

from accounts.models import User
from chat.actions import storing, storing_at_once
from chat.actions.drafts import Busy, Draft, Result, Sent, checked
from chat.errors import IdTaken
from chat.models import Message
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.errors import ProblemError, Unavailable

__all__ = (
    "Busy",
    "Draft",
    "Result",
    "Sent",
    "asend_messages",
    "begin_send",
    "send_message",
    "send_messages",
)


def send_message(
    *, sender: User, conversation_id: UUID, id: UUID, body: str, reply_to: UUID | None = None
) -> Sent:
    """Store a message under the id that its sender's device gave it, once.

    The same call again, at any time and from anywhere, returns the first one's row and announces
    nothing. Raises `IdTaken` where the id names anything else, `NoSuchConversation`, `ReadOnly`,
    and `BadField` for a body or reply that can't be.
    """
    (result,) = send_messages(drafts=[Draft(sender, conversation_id, id, body, reply_to)])
    if isinstance(result, Sent):
        return result
    raise result if isinstance(result, ProblemError) else Unavailable


def send_messages(*, drafts: Sequence[Draft], wait: bool = True) -> list[Result]:
    """Store these messages in one transaction; what became of each, in their order.

    Those that come again under an id of the same call go after it, in another. A message that is
    refused costs its neighbours nothing. Without `wait`, neither does one whose conversation is
    locked: it is `Busy` (where the database can tell; SQLite locks as a whole). Raises only what
    fails them all.
    """
    good, results = _sorted_out(drafts)
    for some in _without_repeats(good):
        results.update(_send(some, wait=wait))
    return [results[place] for place in range(len(drafts))]


async def asend_messages(*, drafts: Sequence[Draft], wait: bool = True) -> list[Result]:
    """As `send_messages`, from the event loop, and as fast as the database can."""
    good, results = _sorted_out(drafts)
    ids = {draft.id for draft in good.values()}
    if not settings.ON_SQLITE and len(ids) == len(good):
        try:
            results.update(await storing_at_once.astore(good, wait=wait))
            return [results[place] for place in range(len(drafts))]
        except IntegrityError:
            pass  # Nothing was stored; whose fault it is comes out below.
    return await in_database(send_messages, drafts=drafts, wait=wait)


def begin_send(*, draft: Draft, answered: Callable[[Sent | None], object]) -> bool:
    """As `asend_messages` for one and without `wait`, but without a task; whether it is begun.

    It is not where something has to be waited for first. `answered` is called later: with what was
    stored, or with None where `asend_messages` has to find out. Raises `BadField`.
    """
    return not settings.ON_SQLITE and storing_at_once.begin(checked(draft), answered)


def _sorted_out(drafts: Iterable[Draft]) -> tuple[dict[int, Draft], dict[int, Result]]:
    """The drafts that can be stored, by their place, and what is wrong with the others."""
    good: dict[int, Draft] = {}
    problems: dict[int, Result] = {}
    for place, draft in enumerate(drafts):
        try:
            good[place] = checked(draft)
        except ProblemError as problem:
            problems[place] = problem
    return good, problems


def _without_repeats(drafts: Mapping[int, Draft]) -> Iterator[Mapping[int, Draft]]:
    """The drafts, in as many parts as the most frequent id of them comes."""
    while drafts:
        first: dict[UUID, int] = {}
        for place, draft in drafts.items():
            first.setdefault(draft.id, place)
        if len(first) == len(drafts):
            yield drafts
            return
        yield {place: drafts[place] for place in first.values()}
        drafts = {place: draft for place, draft in drafts.items() if first[draft.id] != place}


def _send(drafts: Mapping[int, Draft], *, wait: bool) -> Mapping[int, Result]:
    try:
        return _store(drafts, wait=wait)
    except IntegrityError:
        # One id at the same moment into two conversations: their rows are locked apart, so only
        # the primary key could tell. Whoever shares the transaction with it goes alone.
        if len(drafts) > 1:
            return {
                place: _send({place: draft}, wait=wait)[place] for place, draft in drafts.items()
            }
        ((place, draft),) = drafts.items()
        if Message.objects.filter(id=draft.id).exists():
            return {place: IdTaken()}
        raise


def _store(drafts: Mapping[int, Draft], *, wait: bool) -> Mapping[int, Result]:
    if connection.vendor == "postgresql":
        return storing_at_once.store(drafts, wait=wait)
    return storing.store(drafts, wait=wait)
