"""F39, F40, long_absence: a long conversation, and a device that was away for most of it."""

import os
import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from chat import catchup, limits, protocol, queries
from chat.actions.messages import delete_message
from chat.actions.sending import send_message
from chat.models import Conversation, Message
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_world
from pneumatic.testing.socket import Device, device_of
from tests.faults.counting import count_queries

#: Queries of one catch-up, however long it was and however many conversations it concerns.
CATCHUP_QUERIES = 5
#: A reset brings one page of messages and the members, however much was missed.
RESET_FRAMES = 2
#: Of one page: the messages, and whether the person is still a member.
PAGE_QUERIES = 2


def fill(world: World, count: int) -> None:
    """Let alice have said so much that nobody heard: rows only, by one statement."""
    before = Conversation.objects.get(id=world.group.id)
    new_id = (
        "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
    )
    empty = "'[]'::jsonb" if connection.vendor == "postgresql" else "'[]'"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE number(n) AS
                (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < %s)
            INSERT INTO chat_message (id, conversation_id, seq, version, sender_id, kind, body,
                                      mentioned, fingerprint, created_at)
            SELECT {new_id}, conversation_id, seq + n, version + n, sender_id, 'text', 'hello',
                   {empty}, fingerprint, created_at
            FROM chat_message, number WHERE conversation_id = %s AND seq = %s
            """,  # noqa: S608  # two constants of ours
            [count, _raw(before.id), before.last_seq],
        )
    # The row it was copied from has the version that follows its place by as much as all do.
    assert Message.objects.filter(conversation=world.group).count() == before.last_seq + count
    Conversation.objects.filter(id=world.group.id).update(
        last_seq=F("last_seq") + count, version=F("version") + count
    )


def _raw(id: Any) -> Any:
    return id if connection.vendor == "postgresql" else id.hex


def explained(cursor_queries: list[dict[str, str]]) -> str:
    """How the database goes about these statements."""
    plans = []
    with connection.cursor() as cursor:
        for each in cursor_queries:
            prefix = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
            cursor.execute(prefix + each["sql"])
            plans += [" ".join(str(cell) for cell in row) for row in cursor.fetchall()]
    return "\n".join(plans)


def settle_statistics() -> None:
    # Not of everything: what all databases share, another one may be at just then.
    with connection.cursor() as cursor:
        for table in connection.introspection.django_table_names(only_existing=True):
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")


@pytest.mark.slow
@pytest.mark.django_db
def test_a_page_of_a_long_conversation_costs_the_same_at_any_depth_f39() -> None:
    world = make_world()
    fill(world, 100_000)
    settle_statistics()
    conversation, membership = queries.conversation_for(world.bob, world.group.id)
    last = conversation.last_seq
    places: list[dict[str, int]] = [
        {},
        {"before": last},
        {"before": last // 2},
        {"before": 60},
        {"after": 0},
        {"after": last - 70},
        {"around": last // 3},
        {"around": membership.read_seq},
    ]
    for place in places:
        with CaptureQueriesContext(connection) as captured:
            page = queries.page(world.bob, world.group.id, **place)
        assert len(page.messages) == limits.PAGE
        seqs = [row.seq for row in page.messages]
        assert seqs == list(range(seqs[0], seqs[0] + limits.PAGE))
        assert len(captured) <= PAGE_QUERIES
        assert_by_index(captured.captured_queries)


@pytest.mark.slow
@pytest.mark.django_db
def test_catching_up_with_100_000_changes_reads_one_page_by_index_long_absence_f40() -> None:
    world = make_world()
    queries.epoch()  # as in life: given at first need
    known = Conversation.objects.get(id=world.group.id).version
    fill(world, 100_000)
    settle_statistics()
    with CaptureQueriesContext(connection) as captured:
        frames = frames_since(world, known, states=True)
    assert frames[0].reset
    assert len(frames) <= RESET_FRAMES
    assert sum(len(frame.messages) for frame in frames) == limits.PAGE
    assert len(captured) <= CATCHUP_QUERIES
    assert_by_index(captured.captured_queries)
    # Just within reach: exactly what changed, still by the index.
    near = Conversation.objects.get(id=world.group.id).version - limits.SYNC_MAX
    with CaptureQueriesContext(connection) as captured:
        frames = frames_since(world, near)
    assert not any(frame.reset for frame in frames)
    assert sum(len(frame.messages) for frame in frames) == limits.SYNC_MAX
    assert len(frames) <= limits.SYNC_MAX // limits.SYNC_FRAME_ROWS + 1
    assert len(captured) <= CATCHUP_QUERIES


def frames_since(world: World, known: int, *, states: bool = False) -> list[protocol.SyncFrame]:
    """What bob's device is sent that knows everything up to a version of the group."""
    versions = {str(world.group.id): known}
    found = catchup.since(world.bob, versions, same_history=True, states=states)
    return [frame for part in found.parts for frame in catchup.page(part).frames]


def assert_by_index(captured: list[dict[str, str]]) -> None:
    messages = [each for each in captured if re.search(r"\bchat_message\b", each["sql"])]
    assert messages
    plan = explained(messages)
    assert "Seq Scan on chat_message" not in plan, plan
    assert not re.search(r"\bSCAN (chat_message|message)\b", plan), plan
    assert "message_seq_unique" in plan or "INDEX" in plan.upper(), plan


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_a_device_that_missed_10_000_changes_has_them_in_a_few_frames_f40(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    bob = await device_of(world.bob)
    await bob.hello()
    await bob.close()
    missed = int(os.environ.get("PNEUMATIC_FAULT_CHANGES", "10000"))
    await in_database(fill, world, missed)
    counted = count_queries(monkeypatch)
    back = Device(bob.token, user=world.bob, mirror=bob.mirror)
    await back.hello()
    frames = [frame for frame in back.received if frame["type"] == "sync"]
    assert frames[0]["reset"]
    assert len(frames) <= RESET_FRAMES
    assert len(back.received) <= RESET_FRAMES + 3
    assert counted() <= 10
    # It goes on live from there, and what lies further back comes page by page.
    last = await in_database(say_and_delete, world)
    await back.has_everything()
    conversation = str(world.group.id)
    history = back.mirror.history(conversation)
    assert history[-1]["deleted_at"] is not None
    assert history[-1]["seq"] == last == missed + 2
    assert [row["seq"] for row in history] == list(range(history[0]["seq"], last + 1))
    fresh = await device_of(world.bob)
    await fresh.hello()
    theirs = fresh.mirror.durable()[conversation]
    mine = back.mirror.durable()[conversation]
    assert theirs["messages"].items() <= mine["messages"].items()
    assert {**theirs, "messages": 0} == {**mine, "messages": 0}
    await fresh.close()
    await back.close()


def say_and_delete(world: World) -> int:
    sent = send_message(
        sender=world.alice, conversation_id=world.group.id, id=uuid.uuid4(), body="at last"
    ).message
    delete_message(deleter=world.alice, conversation_id=world.group.id, message_id=sent.id)
    return sent.seq
