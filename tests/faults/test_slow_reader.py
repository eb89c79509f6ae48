"""F14: a real reader that doesn't read, on the production server."""

import asyncio
import re
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest
import pytest_asyncio

from chat import limits
from pneumatic.settings import BASE_DIR
from tests.faults.cluster import Cast, make_people
from tests.faults.device import PATIENCE, Device
from tests.server.person import Person
from tests.server.running import SERVE, Running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.once,
    pytest.mark.asyncio,
    pytest.mark.timeout(120),
]

FROZEN = 3
#: As many sockets as a person may have.
MANY_FROZEN = 20
#: So many that none of them sends more than a socket may in one burst.
SENDERS = 10
#: Four bytes a letter: kernels count bytes, and the queue of a socket letters.
LETTER = "\N{GRINNING FACE}"
LETTERS = limits.BODY_CHARS - 40
#: What asyncio takes before it says that a connection is full, and the largest frame on top of it.
BUFFERED = 65_536 + 4 * 40_000


def more_than_fits() -> int:
    """How many such messages are more than the kernel and the queue keep for one reader."""
    kernel = int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
    return (2 * kernel + 4 * limits.OUTBOUND_BYTES) // (4 * LETTERS)


@pytest.fixture
def server(tmp_path: Path, migrated: Path) -> Iterator[Running]:
    made = Running(tmp_path, PYTHONPATH=str(BASE_DIR), DJANGO_SETTINGS_MODULE="pneumatic.settings")
    shutil.copy(migrated, made.database)
    yield made
    made.stop()


@pytest.fixture
def cast(server: Running) -> Cast:
    return make_people(server, count=3, devices=SENDERS)


class Scene:
    """alice on many devices, charlie on one, and bob's, of which none reads anything any more."""

    def __init__(self, server: Running, cast: Cast) -> None:
        self.server, self.group = server, cast.group
        self.senders, _, (self.charlie, *_) = [
            [Device(token, server.port) for token in tokens] for tokens in cast.tokens
        ]
        self.bobs = cast.tokens[1]
        self.frozen: list[Device] = []
        self.bodies: list[str] = []

    async def begin(self, frozen: int = FROZEN) -> None:
        tokens = islice(cycle(self.bobs), frozen)
        self.frozen = [Device(token, self.server.port) for token in tokens]
        for each in (*self.senders, self.charlie):
            await each.open()
        for each in self.frozen:
            await each.open(receive_buffer=4096)
            each.freeze()

    async def say_more_than_fits(self) -> None:
        """Each message is acknowledged, and reaches who does read, though others don't."""
        while len(self.bodies) < more_than_fits():
            bodies = [f"{uuid.uuid4()}{LETTER * LETTERS}" for _ in self.senders]
            sending = zip(self.senders, bodies, strict=True)
            await asyncio.gather(*(each.send(self.group, body) for each, body in sending))
            await self.charlie.knows(bodies[-1])
            self.bodies += bodies
        assert {each.close_code for each in (*self.senders, self.charlie)} == {None}
        assert "Traceback" not in self.server.log

    async def returns_with_everything(self, device: Device) -> None:
        await device.close()
        await device.open()
        (mine,) = device.mirror.conversations.values()
        (theirs,) = self.charlie.mirror.conversations.values()
        assert mine.known == theirs.known
        assert not mine.has_gap
        rows = sorted(mine.messages.values(), key=lambda row: row["seq"])
        assert rows[-1] == max(theirs.messages.values(), key=lambda row: row["seq"])
        assert [row["seq"] for row in rows] == [rows[0]["seq"] + n for n in range(len(rows))]

    async def open_sockets(self) -> int:
        return int(await self.metric("pneumatic_sockets"))

    async def metric(self, name: str) -> float:
        text = (await Person(self.server, "nobody").ask("../../metrics")).text
        found = re.search(rf"^{name} (\S+)", text, re.MULTILINE)
        assert found is not None
        return float(found[1])

    async def end(self) -> None:
        every = (*self.senders, *self.frozen, self.charlie)
        await asyncio.gather(*(each.close() for each in every))


@pytest_asyncio.fixture
async def scene(server: Running, cast: Cast) -> AsyncIterator[Scene]:
    made = Scene(server, cast)
    yield made
    await made.end()


async def test_readers_that_do_not_read_are_closed_with_4408_disturb_nobody_and_lose_nothing_f14(
    scene: Scene,
) -> None:
    scene.server.start(SERVE)
    await scene.begin()
    await scene.say_more_than_fits()
    for each in scene.frozen:
        each.thaw()
        await each.until(lambda: each.close_code is not None)  # noqa: B023
        assert each.close_code == 4408
        # What waited for it in the server was thrown away.
        assert scene.bodies[-1] not in each.bodies()
        await scene.returns_with_everything(each)


async def test_readers_that_never_read_again_are_let_go_f14(scene: Scene) -> None:
    scene.server.start([sys.executable, "-m", "tests.faults.altered", "impatient"])
    await scene.begin()
    others = SENDERS + 1
    assert await scene.open_sockets() == others + FROZEN
    await scene.say_more_than_fits()
    async with asyncio.timeout(PATIENCE):
        while await scene.open_sockets() > others:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.1)
    for each in scene.frozen:
        each.thaw()
        await each.until(lambda: each.close_code is not None)  # noqa: B023
        await scene.returns_with_everything(each)


async def test_what_waits_for_many_readers_that_do_not_read_is_bounded_f14(scene: Scene) -> None:
    scene.server.start([sys.executable, "-m", "tests.faults.altered", "weighed"])
    await scene.begin(MANY_FROZEN)
    await scene.say_more_than_fits()
    most = await scene.metric("faults_most_waiting_bytes")
    # They share each text that waits; only what is on the line is a reader's own.
    full = 4 * limits.OUTBOUND_BYTES
    assert full / 2 < most <= full + 4 * LETTERS + MANY_FROZEN * BUFFERED
