"""What a device says is answered in its order, however the network cuts it and whatever it is.

Some of it is answered as it is read, some by a task, and some when a read ends that others share.
"""

import asyncio
import json
import random
import uuid
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

from chat.ws.hub import hub
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_token
from tests.server.websockets import serving, talking

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]
PATIENCE = 20.0
PIECES = [1, 7, 100, 1_000, 100_000]


class Device:
    """One that says many things without waiting for the answers."""

    def __init__(self, peer: ClientConnection, world: World) -> None:
        self.peer, self.world = peer, world
        self.epoch, self.versions = None, dict[str, int]()
        self.token = ""

    async def hello(self) -> None:
        self.token = await in_database(make_token, self.world.bob)
        await self.peer.send(json.dumps({"type": "hello", "token": self.token}))
        while (event := (await self.events())[-1])["type"] != "synced":
            if event["type"] == "welcome":
                self.epoch = event["epoch"]
            elif event["type"] == "sync":
                self.versions[event["conversation"]] = event["to"]

    async def events(self) -> list[dict[str, Any]]:
        async with asyncio.timeout(PATIENCE):
            frame = json.loads(await self.peer.recv())
        return frame["events"] if frame["type"] == "batch" else [frame]

    def something(self, chance: random.Random) -> dict[str, Any]:
        unknown = {**self.versions, str(uuid.UUID(int=chance.getrandbits(128))): 1}
        return chance.choice(
            [
                {"type": "ping"},
                {"type": "sync", "epoch": self.epoch, "versions": self.versions},
                {"type": "sync", "epoch": self.epoch, "versions": unknown},
                {"type": "sync", "epoch": None, "versions": {}},
                {"type": "auth", "token": self.token},
                {"type": "hello", "token": self.token},
                {"type": "read", "conversation": str(uuid.uuid4()), "seq": 1},
                {
                    "type": "message.send",
                    "id": str(uuid.uuid4()),
                    "conversation": str(self.world.group.id),
                    "body": "hello",
                },
            ]
        )

    def say(self, text: str, chance: random.Random) -> None:
        data = Frame(Opcode.TEXT, text.encode()).serialize(mask=True)
        while data:
            piece = chance.choice(PIECES)
            self.peer.transport.write(data[:piece])
            data = data[piece:]


@pytest.mark.parametrize("seed", range(4))
async def test_all_of_it_is_answered_in_order(live_world: World, seed: int) -> None:
    from pneumatic.asgi import application

    chance = random.Random(seed)
    async with serving(application) as url, talking(f"{url}ws/") as peer:
        device = Device(peer, live_world)
        await device.hello()
        # No more than a device may say at once.
        refs = [str(number) for number in range(80)]
        for ref in refs:
            device.say(json.dumps({**device.something(chance), "ref": ref}), chance)
            if chance.random() < 0.2:
                await asyncio.sleep(0)
        answered = list[str]()
        while len(answered) < len(refs):
            answered += [each["ref"] for each in await device.events() if each.get("ref")]
        assert answered == refs


@pytest.mark.parametrize("seed", range(4))
async def test_who_is_gone_in_the_middle_of_it_leaves_nothing_behind(
    live_world: World, seed: int
) -> None:
    from pneumatic.asgi import application

    chance = random.Random(seed)
    async with serving(application) as url:
        async with talking(f"{url}ws/") as peer:
            device = Device(peer, live_world)
            await device.hello()
            for _ in range(chance.randrange(1, 200)):
                device.say(json.dumps(device.something(chance)), chance)
            await asyncio.sleep(0)
            if chance.random() < 0.5:
                peer.transport.abort()
        # A room ends when the layer has been told, after the last of its sockets is out.
        async with asyncio.timeout(PATIENCE):
            while hub().sockets or hub()._rooms.by_group:  # noqa: ASYNC110 - they tell nobody
                await asyncio.sleep(0.01)
