"""F11: there is no room for another page; nothing is acknowledged that was not stored."""

import asyncio
import uuid
from typing import Any

import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from chat.models import Conversation, Message
from pneumatic.lib.database.threads import end_threads, in_database
from pneumatic.lib.metrics import DATABASE_UNAVAILABLE
from pneumatic.testing.factories import World
from pneumatic.testing.socket import Device, connected

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]

#: More than fits on the page that is already there.
BODY = "long " * 700


def pages() -> int:
    """How many the file has; what former tests have freed is given back first."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        return int(cursor.fetchone()[0])


async def answer_to(device: Device, world: World, id: str) -> dict[str, Any]:
    await device.say(
        type="message.send", ref=id, id=id, conversation=world.group.id, body=BODY + id
    )
    while True:
        await device._receive()
        for frame in device.waiting:
            if frame["type"] in {"ack", "error"} and frame.get("ref") == id:
                return frame


async def test_a_full_disk_is_unavailable_and_nothing_is_acknowledged_unstored_f11(
    live_world: World,
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite has a switch for it (on PostgreSQL: test_threads, by its error)")
    world = live_world
    most = await in_database(pages) + 3
    alarm = DATABASE_UNAVAILABLE.labels("disk_full")._value
    alarms = alarm.get()

    def limit(connection: Any, **_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA max_page_count = {most}")

    async with connected(world.alice, world.bob) as (alice, bob):
        ids = [str(uuid.uuid4()) for _ in range(12)]
        connection_created.connect(limit)
        try:
            await asyncio.to_thread(end_threads)
            answers = [await answer_to(alice, world, id) for id in ids]
        finally:
            connection_created.disconnect(limit)
            await asyncio.to_thread(end_threads)
        acknowledged = [frame["id"] for frame in answers if frame["type"] == "ack"]
        refused = [frame for frame in answers if frame["type"] == "error"]
        assert {frame["code"] for frame in refused} == {"unavailable"}
        assert alarm.get() == alarms + len(refused), "and an operator may be told"
        stored = await in_database(list, Message.objects.filter(kind="text").values_list("id"))
        assert sorted(str(id) for (id,) in stored) == sorted(acknowledged)
        # There is room again: the same ids go through, and no place was burned.
        for frame in refused:
            assert (await answer_to_again(alice, world, frame["ref"]))["type"] == "ack"
        await bob.has_everything()
        last = await in_database(Conversation.objects.get, id=world.group.id)
        seqs = [row["seq"] for row in bob.mirror.history(str(world.group.id))]
        assert seqs == list(range(1, last.last_seq + 1))


async def answer_to_again(device: Device, world: World, id: str) -> dict[str, Any]:
    device.waiting.clear()
    return await answer_to(device, world, id)
