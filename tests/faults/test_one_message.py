"""F38: many edit, delete and read one message at the same moment, and it behaves like a register.

Each change takes a version under the lock of the conversation's row, so the versions are the one
order in which all of it happened. What is checked is that this order explains every answer: that
it agrees with the clock, that nobody read anything else, and that a deleted message stays deleted.
"""

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
from django.db import connections

from chat.actions.messages import delete_message, edit_message
from chat.errors import NotAllowed
from chat.models import Conversation, Message
from pneumatic.testing.factories import World, say

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 4


class Call(NamedTuple):
    """One call of one thread, by the clock that all threads share."""

    kind: str
    begin: float
    end: float
    #: The row as the call returned it: version, body, whether deleted. None: refused.
    row: tuple[int, str, bool] | None


def at_once(jobs: list[tuple[str, Callable[[], Message]]]) -> list[Call]:
    start = threading.Barrier(len(jobs))
    calls: list[Call] = []
    failures: list[BaseException] = []

    def run(kind: str, job: Callable[[], Message]) -> None:
        try:
            start.wait(10)
            begin = time.monotonic()
            try:
                message = job()
                row = (message.version, message.body, message.deleted_at is not None)
            except NotAllowed:
                row = None
            calls.append(Call(kind, begin, time.monotonic(), row))
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert len(calls) == len(jobs)
    return calls


@pytest.mark.slow
def test_concurrent_edits_and_deletions_happen_in_one_order_and_nothing_resurrects_f38(
    committed: World,
) -> None:
    world = committed
    for number in range(ROUNDS):
        message = say(world.alice, world.group, "first")
        before = Conversation.objects.get(id=world.group.id).version
        which: dict[str, Any] = {"conversation_id": world.group.id, "message_id": message.id}
        edit = partial(edit_message, editor=world.alice, **which)
        delete = partial(delete_message, deleter=world.alice, **which)
        read = partial(Message.objects.get, id=message.id)
        jobs: list[tuple[str, Callable[[], Message]]] = [
            *[("edit", partial(edit, body=f"edit {n}")) for n in range(8)],
            *[("read", read)] * 5,
            *[("delete", delete)] * 2,
        ]
        random.Random(number).shuffle(jobs)
        calls = at_once(jobs)
        # Once more when all is over: a deletion is for good.
        calls += at_once([("edit", partial(edit, body="too late")), ("read", read)])
        check(calls, first=(message.version, "first", False))
        changed = {call.row for call in calls if call.row} - {(message.version, "first", False)}
        # No version was burned, and none was given twice.
        versions = sorted(row[0] for row in changed)
        assert versions == list(range(before + 1, before + 1 + len(versions)))
        assert Conversation.objects.get(id=world.group.id).version == versions[-1]


def check(calls: list[Call], first: tuple[int, str, bool]) -> None:
    written = {first, *(call.row for call in calls if call.kind != "read" and call.row)}
    assert len({row[0] for row in written}) == len(written)
    (deleted,) = [row for row in written if row[2]]
    assert deleted == max(written)
    assert deleted[1] == ""
    for call in calls:
        if call.row is None:
            # Refused because it was deleted: then the deletion had at least begun.
            assert call.kind == "edit"
            assert any(each.kind == "delete" and each.begin < call.end for each in calls)
            continue
        assert call.row in written, "a read of what nobody wrote"
        for other in calls:
            if other.row is not None and call.end < other.begin:
                assert call.row[0] <= other.row[0], "an answer older than one before it"
    assert calls[-1].row == deleted or calls[-2].row == deleted


def test_edits_by_one_and_a_deletion_by_an_admin_never_leave_half_of_each_f38(
    committed: World,
) -> None:
    world = committed
    for _ in range(ROUNDS):
        message = say(world.bob, world.group, "first")
        which: dict[str, Any] = {"conversation_id": world.group.id, "message_id": message.id}
        calls = at_once(
            [
                ("edit", partial(edit_message, editor=world.bob, body="@alice", **which)),
                ("delete", partial(delete_message, deleter=world.alice, **which)),
            ]
        )
        row = Message.objects.get(id=message.id)
        assert (row.body, row.mentioned, row.mentions.count()) == ("", [], 0)
        assert row.deleted_at is not None
        assert row.version == max(call.row[0] for call in calls if call.row)
