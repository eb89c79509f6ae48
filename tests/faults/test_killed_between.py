"""F2: a server is killed around the commit of a message whose sender then never gets an answer."""

import asyncio
import shutil
import sqlite3
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pneumatic.settings import BASE_DIR
from tests.faults.cluster import Cast, make_people
from tests.faults.device import Device
from tests.faults.dying import MOMENTS
from tests.server.running import Running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.once,
    pytest.mark.asyncio,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("faults-killed"),
]


@pytest.fixture
def mortal(tmp_path: Path, migrated: Path) -> Iterator[tuple[Running, Cast]]:
    """A server on SQLite that dies when it is told to, and its people."""
    server = Running(
        tmp_path, PYTHONPATH=str(BASE_DIR), DJANGO_SETTINGS_MODULE="pneumatic.settings"
    )
    shutil.copy(migrated, server.database)
    cast = make_people(server, count=2, devices=1)
    start(server)
    yield server, cast
    server.stop()


def start(server: Running) -> None:
    server.start([sys.executable, "-m", "tests.faults.dying", str(server.folder)])


def rows(server: Running, body: str) -> list[str]:
    connection = sqlite3.connect(server.database)
    found = connection.execute("SELECT id FROM chat_message WHERE body = ?", [body]).fetchall()
    connection.close()
    return [str(uuid.UUID(row[0])) for row in found]


async def test_a_message_whose_server_was_killed_around_its_commit_is_there_once_f2(
    mortal: tuple[Running, Cast],
) -> None:
    server, cast = mortal
    alice, bob = [Device(tokens[0], server.port) for tokens in cast.tokens]
    for moment in MOMENTS:
        await alice.open()
        await bob.open()
        id = str(uuid.uuid4())
        await alice.say("message.send", ref=id, id=id, conversation=cast.group, body=moment)
        assert await alice.answer(id) is None
        assert await server.ended() == -9
        assert alice.close_code == 1006
        # Committed or not is for the moment to say; never twice, and never half.
        assert rows(server, moment) == ([] if moment == "before-commit" else [id])
        await bob.until(lambda: bob.close_code is not None)
        assert (moment in bob.bodies()) is (moment == "after-broadcast")
        await asyncio.gather(alice.close(), bob.close())

        start(server)
        await alice.open()
        await bob.open()
        await alice.say("message.send", ref=id, id=id, conversation=cast.group, body=moment)
        answer = await alice.answer(id)
        assert answer is not None
        assert answer["type"] == "ack", answer
        assert answer["duplicate"] is (moment != "before-commit")
        await bob.knows(moment)
        assert rows(server, moment) == [id]
        for device in (alice, bob):
            (conversation,) = device.mirror.conversations.values()
            assert device.bodies().count(moment) == 1
            assert sorted(row["seq"] for row in conversation.messages.values()) == list(
                range(1, answer["seq"] + 1)
            )
        await asyncio.gather(alice.close(), bob.close())
