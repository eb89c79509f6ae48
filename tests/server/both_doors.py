"""Sending over both doors, the socket and REST, while the database may be away."""

import asyncio
import re
import time
import uuid
from typing import Any

import httpx

from tests.server.person import Person, Socket
from tests.server.postgres import Postgres
from tests.server.running import Running

#: What is promised, and what a busy machine may add to it. (That waits don't add up is shown
#: without a clock of the outside in tests/lib/test_postgres.py.)
PROMPT = 5 + 3
#: After an outage: pauses that grow with it would take as long as it did.
SOON = 4 + 4


async def friends(server: Running) -> tuple[Person, Socket, str]:
    alice = await Person(server, "alice").register()
    return alice, await alice.socket(), await alice.group()


async def refused(alice: Person, socket: Socket, group: str) -> tuple[str, str]:
    """Send by both doors while it can't be; both say so in time. The two messages' ids."""
    ids = two_ids()
    began = time.monotonic()
    error, answer = await both_doors(alice, socket, group, ids)
    assert time.monotonic() - began < PROMPT
    assert (error["type"], error.get("code")) == ("error", "unavailable")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    return ids


async def both_doors(
    alice: Person, socket: Socket, group: str, ids: tuple[str, str]
) -> tuple[dict[str, Any], httpx.Response]:
    """Send at the same moment by both; if one fails, the other is not left behind."""
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(socket.send(group, id=ids[0]))
        posting = tasks.create_task(alice.post(group, id=ids[1]))
    return sending.result(), posting.result()


async def fill_the_pool(alice: Person, group: str) -> None:
    """See to it that there are several connections, all of which the fault will concern."""
    async with asyncio.TaskGroup() as tasks:
        posting = [tasks.create_task(alice.post(group)) for _ in range(12)]
    assert {task.result().status_code for task in posting} == {201}


async def at_once(socket: Socket, group: str, count: int) -> set[str]:
    """Send so many messages without waiting; `ack`, or the codes of the errors."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    for each in ids:
        await socket.say("message.send", ref=each, id=each, conversation=group, body="hello")
    frames = [await socket.expect("ack", "error", ref=each) for each in ids]
    return {str(each.get("code", each["type"])) for each in frames}


async def counted(alice: Person, reason: str) -> int:
    """How often an operator was told by the metrics that the database could not be used."""
    text = (await alice.ask("../../metrics")).text
    line = rf'^pneumatic_database_unavailable_total{{reason="{reason}"}} (\d+)'
    found = re.search(line, text, re.MULTILINE)
    return int(found[1]) if found else 0


def two_ids() -> tuple[str, str]:
    return str(uuid.uuid4()), str(uuid.uuid4())


async def accepted(alice: Person, socket: Socket, group: str, ids: tuple[str, str]) -> None:
    """Send them again until both are taken, which must be soon."""
    began = time.monotonic()
    while (await socket.send(group, id=ids[0]))["type"] == "error":
        assert time.monotonic() - began < SOON
        await asyncio.sleep(0.1)
    while (answer := await alice.post(group, id=ids[1])).status_code == 503:
        assert time.monotonic() - began < SOON
        await asyncio.sleep(0.1)
    assert answer.status_code in (200, 201)
    assert time.monotonic() - began < SOON


def stored(postgres: Postgres) -> list[str]:
    with postgres.connect() as connection:
        rows = connection.execute("SELECT id FROM chat_message WHERE kind = 'text'")
        return sorted(str(row[0]) for row in rows)
