"""F37: somebody is put out while messages pour in; nothing of after that reaches them."""

import asyncio
import os
import uuid
from typing import Any

import pytest

from chat import limits
from chat.actions.members import add_member, remove_member
from chat.models import Membership
from pneumatic.lib import realtime
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World
from pneumatic.testing.socket import Device, connected, device_of

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]

#: `PNEUMATIC_FAULT_TRIALS=200` is the long form.
TRIALS = int(os.environ.get("PNEUMATIC_FAULT_TRIALS", "4"))
BURST = 12


async def talk(device: Device, world: World, mark: str) -> None:
    """A burst by one device: all frames at once, then all acks."""
    ids = [str(uuid.uuid4()) for _ in range(BURST)]
    for id in ids:
        await device.say(
            type="message.send", id=id, conversation=world.group.id, body=f"{mark} {id}"
        )
    for id in ids:
        await device.expect("ack", id=id)


async def put_out(world: World, after: float) -> int:
    """Remove bob a little later; the version at which his membership ended."""
    await asyncio.sleep(after)
    await in_database(
        remove_member, remover=world.alice, conversation_id=world.group.id, user_id=world.bob.id
    )
    seat = await in_database(Membership.objects.get, conversation=world.group, user=world.bob)
    return seat.version


def heard_after(device: Device, version: int) -> list[dict[str, Any]]:
    """What the device got that is newer than this version, by whatever kind of frame."""
    found = []
    for frame in device.received:
        rows = [*frame.get("messages", []), *frame.get("members", [])]
        if frame["type"] in {"message", "member", "conversation"}:
            rows.append(frame)
        found += [row for row in rows if row["version"] > version]
    return found


@pytest.mark.parametrize("announcement", ["on time", "late", "lost"])
@pytest.mark.timeout(60 + 2 * TRIALS)
async def test_who_is_removed_mid_burst_gets_nothing_newer_and_all_of_it_when_added_again_f37(
    live_world: World, monkeypatch: pytest.MonkeyPatch, announcement: str
) -> None:
    world = live_world
    # Bursts trial after trial are more than a socket may say.
    monkeypatch.setattr(limits, "FRAMES_BURST", TRIALS * 100)
    loop = asyncio.get_running_loop()
    real = realtime.publish

    def publish(group: str, envelope: dict[str, Any]) -> None:
        if envelope["kind"] != "ended" or announcement == "on time":
            real(group, envelope)
        elif announcement == "late":
            loop.call_soon_threadsafe(loop.call_later, 0.05, real, group, envelope)

    monkeypatch.setattr(realtime, "publish", publish)
    async with connected(world.alice, world.bob, world.bob) as (alice, laptop, phone):
        for trial in range(TRIALS):
            for device in (laptop, phone):
                device.received.clear()
            burst = asyncio.create_task(talk(alice, world, f"trial {trial}"))
            end = await put_out(world, after=0.01 * (trial % 5))
            await burst
            for device in (laptop, phone):
                await device.expect("conversation.removed", conversation=str(world.group.id))
                # Whatever was still under way has arrived before the answer to a sync.
                await device.sync()
                assert heard_after(device, end) == []
                assert device.mirror.conversations == {}
            for device in (laptop, phone):
                device.waiting.clear()
            await in_database(
                add_member, adder=world.alice, conversation_id=world.group.id, user_id=world.bob.id
            )
            fresh = await device_of(world.bob)
            await fresh.hello()
            for device in (laptop, phone):
                await device.has_everything()
                assert device.mirror.durable() == fresh.mirror.durable()
            await fresh.close()
