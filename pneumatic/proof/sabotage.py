"""A server that breaks the promise: `python -m pneumatic.proof.sabotage NAME`.

The negative controls of the checker. The production code has no switch for any of this; its
functions are replaced here, in this process, before it serves.
"""

import contextlib
import os
import random
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import django


def without_deduplication() -> None:
    """Whatever comes again is stored again, under an id of its own."""
    from chat.actions import sending
    from chat.models import Message

    store = sending.send_messages

    def again(*, drafts: Sequence[Any], **options: Any) -> list[Any]:
        known = set(Message.objects.filter(id__in=[each.id for each in drafts]).values_list("id"))
        copies = [
            each._replace(id=uuid.uuid4()) if (each.id,) in known else each for each in drafts
        ]
        results = store(drafts=copies, **options)
        for draft, result in zip(drafts, results, strict=True):
            if isinstance(result, sending.Sent):
                result.message.id = draft.id  # What its sender is told; stored is the other.
        return results

    _replace_everywhere("send_messages", store, again)


def without_unique_ids() -> None:
    """Ids are looked up before the lock is held, and nothing in the database stops the second."""
    from chat.actions import sending
    from chat.models import Message

    store = sending.send_messages

    def racing(*, drafts: Sequence[Any], **options: Any) -> list[Any]:
        def stored() -> set[uuid.UUID]:
            found = Message.objects.filter(id__in=[each.id for each in drafts])
            return set(found.values_list("id", flat=True))

        known = stored()
        time.sleep(0.3)  # What a busy machine does between the two.
        overtaken = stored() - known
        copies = [
            each._replace(id=uuid.uuid4()) if each.id in overtaken else each for each in drafts
        ]
        results = store(drafts=copies, **options)
        for draft, result in zip(drafts, results, strict=True):
            if isinstance(result, sending.Sent):
                result.message.id = draft.id
        return results

    _replace_everywhere("send_messages", store, racing)


def acknowledge_without_storing() -> None:
    """One transaction in five is rolled back, and acknowledged."""
    from django.db import transaction

    from chat.actions import sending

    store = sending.send_messages

    def forget(**options: Any) -> list[Any]:
        with transaction.atomic():
            results = store(**options)
            transaction.set_rollback(random.random() < 0.2)
        return results

    _replace_everywhere("send_messages", store, forget)


def publish_before_commit() -> None:
    """Events go out at once; one transaction in ten then fails."""
    from django.db import OperationalError, transaction

    from chat.actions import sending
    from pneumatic.lib import realtime

    store: Any = sending._store

    def fail_late(*arguments: Any, **options: Any) -> Any:
        with transaction.atomic():
            results = store(*arguments, **options)
            if random.random() < 0.1:
                raise OperationalError("the commit failed")
            return results

    sending._store = fail_late

    realtime.publish_on_commit = realtime.publish


def sync_forgets() -> None:
    """A sync leaves the last message out, and says that this is all."""
    from chat import catchup

    page: Any = catchup.page

    def shortened(part: Any) -> Any:
        found = page(part)
        for frame in found.frames:
            if not frame.reset and frame.messages:
                frame.messages.pop()
        return found

    catchup.page = shortened


def sync_by_last_id() -> None:
    """A sync asks for messages after the last one, not for rows changed since a version."""
    from django.db.models import Max

    from chat import catchup
    from chat.models import Message

    page: Any = catchup.page

    def newer(part: Any) -> Any:
        found = page(part)
        for frame in found.frames:
            before = Message.objects.filter(conversation=frame.conversation)
            known = before.filter(version__lte=frame.from_).aggregate(last=Max("seq"))["last"] or 0
            if not frame.reset:
                frame.messages[:] = [each for each in frame.messages if each.seq > known]
        return found

    catchup.page = newer


def leave_the_removed_in() -> None:
    """The hub neither takes people out nor asks whether they are still members."""
    from chat import queries
    from chat.ws.hub import Hub

    def everybody(conversation_id: uuid.UUID, user_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
        return set(user_ids)

    def stay(*_: Any) -> None:
        return None

    queries.members_among = everybody
    setattr(Hub, "_ended", stay)  # noqa: B010  # to the type checker it is what it is: sabotage


def end_without_a_word() -> None:
    """SIGTERM ends the process at once: nothing is drained."""
    import uvicorn

    @contextlib.contextmanager
    def deaf(self: uvicorn.Server) -> Iterator[None]:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        yield

    setattr(uvicorn.Server, "capture_signals", deaf)  # noqa: B010


SABOTAGES: Final[dict[str, Callable[[], None]]] = {
    "dedupe": without_deduplication,
    "unique": without_unique_ids,
    "ack-before-commit": acknowledge_without_storing,
    "publish-before-commit": publish_before_commit,
    "sync": sync_forgets,
    "last-id": sync_by_last_id,
    "membership": leave_the_removed_in,
    "drain": end_without_a_word,
}


def _replace_everywhere(name: str, old: object, new: object) -> None:
    """Also in modules that imported the name."""
    for module in [each for path, each in sys.modules.items() if path.startswith("chat.")]:
        if getattr(module, name, None) is old:
            setattr(module, name, new)


def _send_through_threads() -> None:
    """The event loop's own way to PostgreSQL passes by what is replaced here."""
    from chat.actions import sending
    from pneumatic.lib.database.threads import in_database

    async def by_thread(**options: Any) -> list[Any]:
        return await in_database(sending.send_messages, **options)

    _replace_everywhere("asend_messages", sending.asend_messages, by_thread)


def main() -> None:
    django.setup()
    import uvicorn
    from django.conf import settings

    _send_through_threads()
    SABOTAGES[sys.argv[1]]()
    uvicorn.run(
        "pneumatic.asgi:application",
        host=settings.HOST,
        port=settings.PORT,
        lifespan="off",
        ws="websockets-sansio",
        log_level="warning",
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
