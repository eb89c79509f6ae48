"""F43, leak_hunt: people come, talk, join, leave and drop off, and nothing of it stays behind.

`PNEUMATIC_FAULT_ROUNDS=25000` is the long form: four sockets a round, so 100,000 of them.
"""

import asyncio
import gc
import os
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from accounts.actions import revoke_session
from chat import presence
from chat.actions.conversations import create_group
from chat.actions.members import add_member, remove_member
from chat.ws.consumer import ChatConsumer
from chat.ws.hub import hub
from chat.ws.sends import send_queue
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_session, make_token
from pneumatic.testing.socket import Device, device_of

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]

ROUNDS = int(os.environ.get("PNEUMATIC_FAULT_ROUNDS", "20"))
#: Rounds before the first look: pools and caches fill up once.
WARM_UP = 5
#: Bytes that a round may cost in the long run: less than any one socket's leavings.
BYTES_PER_ROUND = 2_000


async def come_and_go(world: World, number: int) -> None:
    """One round: four sockets that each end in another way."""
    group = world.group.id
    alice, bob, charlie = [
        await device_of(each) for each in (world.alice, world.bob, world.charlie)
    ]
    session = await in_database(make_session, world.bob)
    stolen = Device(await in_database(make_token, world.bob, session), user=world.bob)
    for device in (alice, bob, charlie, stolen):
        await device.hello()
    await in_database(
        add_member, adder=world.alice, conversation_id=group, user_id=world.charlie.id
    )
    await charlie.expect("sync", conversation=str(group))
    await alice.send(world.group, f"round {number}")
    await bob.say(type="typing", conversation=group, on=True)
    await charlie.expect("typing")
    await in_database(
        remove_member, remover=world.alice, conversation_id=group, user_id=world.charlie.id
    )
    await charlie.expect("conversation.removed")
    begun = await in_database(
        create_group, creator=world.bob, id=uuid.uuid4(), title="Short", member_ids=[]
    )
    short = begun.seat.conversation
    await bob.expect("sync", conversation=str(short.id))
    await in_database(
        remove_member, remover=world.bob, conversation_id=short.id, user_id=world.bob.id
    )
    await bob.expect("conversation.removed", conversation=str(short.id))

    await in_database(revoke_session, user=world.bob, session_id=session.id)
    assert await stolen.expect_close() == 4501
    # In the middle of a question, without a word.
    await alice.say(type="sync", versions={})
    await alice.close()
    await bob.say_text("x" * 70_000)
    assert await bob.expect_close() == 4500
    await charlie.close()
    for device in (stolen, bob):
        await device.close()


async def all_threads_begin() -> None:
    """Else they would come one by one, each with a connection."""
    together = threading.Barrier(settings.DATABASE_THREADS)

    def meet() -> None:
        together.wait(30)
        connection.ensure_connection()

    await asyncio.gather(*(in_database(meet) for _ in range(settings.DATABASE_THREADS)))


def in_the_layer() -> dict[str, int]:
    """Groups and channels that the channel layer keeps for this process."""
    layer: Any = hub()._rooms.bus.channel.layer
    if hasattr(layer, "_get_layer"):
        layer = layer._get_layer()
    return {"groups": len(layer.groups), "channels": len(layer.channels)}


#: Consumers that tests before this one in the same process hold on to, in a traceback for example.
_of_others: set[int] = set()


@pytest.fixture(autouse=True)
def _know_those_of_others() -> None:
    _of_others.clear()
    _of_others.update(consumers())


def consumers() -> set[int]:
    """Which there are, by identity."""
    gc.collect()
    return {id(each) for each in gc.get_objects() if type(each) is ChatConsumer}


def all_there_is() -> dict[str, Any]:
    """What would grow if something stayed behind."""
    gc.collect()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    names = {task.get_coro().__qualname__ for task in tasks}  # type: ignore[union-attr]
    return {
        "sockets": len(hub().sockets),
        "rooms": sorted(hub()._rooms.by_group),
        "consumers": len(consumers() - _of_others),
        # Sleeps some seconds longer than there are sockets.
        "tasks": sorted(names - {"Hub._keep_alive"}),
        "sockets' tasks": sum("ChatConsumer" in name for name in names),
        "lanes": len(send_queue()._own),
        "leases": dict(presence._leases()._held),
        "threads": threading.active_count(),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        **in_the_layer(),
    }


async def at_rest() -> dict[str, Any]:
    """What there is once no socket's end is under way any more."""
    deadline = time.monotonic() + 30
    while (
        hub().sockets
        or hub()._rooms.by_group
        or presence._leases()._held
        or all_there_is()["consumers"]
    ):
        assert time.monotonic() < deadline, all_there_is()
        await asyncio.sleep(0.05)
    return all_there_is()


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


@pytest.mark.timeout(120 + ROUNDS * 3)
async def test_churn_leaves_nothing_behind_leak_hunt_f43(live_world: World) -> None:
    await all_threads_begin()
    for number in range(WARM_UP):
        await come_and_go(live_world, number)
    before, memory = await at_rest(), resident_bytes()
    assert (before["sockets"], before["rooms"], before["leases"]) == (0, [], {})
    for number in range(ROUNDS):
        await come_and_go(live_world, number)
    after = await at_rest()
    # Threads of pools come one by one, up to their number; connections go with them.
    for name in ("threads", "descriptors"):
        assert after.pop(name) <= before.pop(name) + 8, name
    assert after == before
    if ROUNDS >= 1_000:
        assert resident_bytes() - memory < 10_000_000 + ROUNDS * BYTES_PER_ROUND
