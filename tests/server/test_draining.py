"""What happens to people when a server process is told to stop, or is killed."""

import asyncio
import contextlib
import http.client
import json
import signal
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pneumatic.settings import BASE_DIR
from tests.server.person import Person, Socket
from tests.server.running import PATIENCE, Running, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

Serving = Callable[..., Running]


async def talk_until_cut(socket: Socket, group: str, acknowledged: list[str]) -> tuple[int, float]:
    """Send one message after another; the close code that ends it, and when."""
    while True:
        message_id = str(uuid.uuid4())
        try:
            answer = await socket.send(group, id=message_id)
        except ConnectionClosed:
            return socket.line.close_code or 1006, time.monotonic()
        assert answer["type"] == "ack"
        acknowledged.append(message_id)
        await asyncio.sleep(0.02)


async def refused_for_draining(probe: http.client.HTTPConnection) -> None:
    """Ask on a connection that was open before, until it says 503, and soon after: goodbye."""
    async with asyncio.timeout(10):
        while True:
            probe.request("GET", "/readyz")
            with probe.getresponse() as answer:
                seen = answer.status, json.load(answer)["status"]
            assert seen in {(200, "ok"), (503, "draining")}
            if answer.headers["Connection"] == "close":
                assert seen == (503, "draining")
                return
            await asyncio.sleep(0.01)


async def test_f21_sockets_leave_slowly_and_nothing_acknowledged_is_lost(serving: Serving) -> None:
    server = serving(DRAIN_SECONDS="4").start()
    alice = await Person(server, "alice").register()
    group = await alice.group()
    sockets = [await alice.socket() for _ in range(12)]
    acknowledged: list[str] = []
    talking = [asyncio.create_task(talk_until_cut(each, group, acknowledged)) for each in sockets]
    probe = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    with contextlib.closing(probe):
        probe.request("GET", "/readyz")
        with probe.getresponse() as ready:
            assert (ready.status, bool(ready.read())) == (200, True)
        server.terminate()
        await refused_for_draining(probe)
    assert not all(task.done() for task in talking)

    ends = await asyncio.gather(*talking)
    assert [code for code, _ in ends] == [1012] * len(sockets)
    times = [at for _, at in ends]
    # Of 4 s: a busy machine blurs them, and never into one moment.
    assert max(times) - min(times) >= 1
    assert await server.ended() == 0
    stored = server.stored()
    assert len(set(stored)) == len(stored)
    assert set(acknowledged) <= set(stored)
    assert "Traceback" not in server.log


async def test_f21_who_comes_while_it_drains_is_answered_and_sockets_are_sent_elsewhere(
    serving: Serving,
) -> None:
    """A balancer that opens a connection for each look sees why it should look elsewhere."""
    server = serving(DRAIN_SECONDS="60").start()
    alice = await Person(server, "alice").register()
    socket = await alice.socket()
    server.terminate()
    async with asyncio.timeout(PATIENCE):
        while (look := await alice.ask("../../readyz")).headers.get("Connection") != "close":
            assert look.json()["status"] in {"ok", "draining"}
    assert (look.status_code, look.json()["status"]) == (503, "draining")
    answer = await alice.ask("conversations/")
    assert (answer.status_code, answer.headers["Connection"]) == (200, "close")
    with pytest.raises(InvalidStatus) as refused:
        await alice.socket()
    assert refused.value.response.status_code == 503
    assert int(refused.value.response.headers["Retry-After"]) >= 1
    # Who can't wait for that presses Ctrl-C.
    server.process.send_signal(signal.SIGINT)
    assert await socket.closed() == 1012
    assert await server.ended() == 0
    with pytest.raises(httpx.ConnectError):
        await alice.ask("../../readyz")


async def ask_until_told_to_leave(server: Running, path: str, token: str) -> list[int]:
    """Ask on and on over one connection, until an answer says that it is the last; the statuses."""
    statuses = []
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await client.get(path)
                statuses.append(answer.status_code)
                if answer.headers.get("Connection") == "close":
                    return statuses
                await asyncio.sleep(0.01)


async def ask_until(
    over: asyncio.Event, server: Running, path: str, token: str, *, anew: bool
) -> list[int]:
    """Ask on and on, over a connection that is kept or a new one each time; the statuses."""
    statuses = []
    headers = {"Authorization": f"Bearer {token}", **({"Connection": "close"} if anew else {})}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
        while not over.is_set():
            statuses.append((await client.get(path)).status_code)
            await asyncio.sleep(0.01)
    return statuses


async def test_f21_while_one_of_two_processes_leaves_no_request_fails(
    serving: Serving, redis_url: str
) -> None:
    leaving = serving(DRAIN_SECONDS="3", REDIS_URL=redis_url).start()
    staying = serving(DRAIN_SECONDS="3", REDIS_URL=redis_url)
    staying.environment["PNEUMATIC_DATA_DIR"] = str(leaving.folder)
    staying.start()
    alice = await Person(leaving, "alice").register()
    group = await alice.group()
    path = "/api/v1/conversations/"
    sockets = [await alice.socket() for _ in range(6)]
    acknowledged: list[str] = []
    talking = [asyncio.create_task(talk_until_cut(each, group, acknowledged)) for each in sockets]
    over = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        there = [
            tasks.create_task(ask_until(over, staying, path, alice.token, anew=anew))
            for anew in (False, True, False, True)
        ]
        here = [
            tasks.create_task(ask_until_told_to_leave(leaving, path, alice.token)) for _ in range(4)
        ]
        await until(lambda: len(acknowledged) > 6)
        assert not any(task.done() for task in here)
        leaving.terminate()
        ends = await asyncio.gather(*talking)
        assert await leaving.ended() == 0
        over.set()
    answered = [task.result() for task in (*here, *there)]
    assert {status for each in answered for status in each} == {200}
    assert [code for code, _ in ends] == [1012] * len(sockets)
    assert set(acknowledged) <= set(leaving.stored())
    assert "Traceback" not in leaving.log


async def test_f21_what_was_said_before_is_answered_before_the_socket_closes(
    serving: Serving,
) -> None:
    server = serving(DRAIN_SECONDS="1").start()
    alice = await Person(server, "alice").register()
    group = await alice.group()
    sockets = [await alice.socket() for _ in range(5)]
    ids = [str(uuid.uuid4()) for _ in sockets]
    # Somebody holds the lock, so that all of it is under way when the signal comes.
    blocker = sqlite3.connect(server.database, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    sending = [
        asyncio.create_task(socket.send(group, id=each))
        for socket, each in zip(sockets, ids, strict=True)
    ]
    rest_id = str(uuid.uuid4())
    posting = asyncio.create_task(alice.post(group, id=rest_id))
    await asyncio.sleep(0.5)
    server.terminate()
    await asyncio.sleep(1.5)
    assert not any(task.done() for task in [*sending, posting])
    blocker.rollback()
    blocker.close()

    assert [answer["type"] for answer in await asyncio.gather(*sending)] == ["ack"] * len(sockets)
    assert (await posting).status_code == 201
    assert [await each.closed() for each in sockets] == [1012] * len(sockets)
    assert await server.ended() == 0
    assert sorted(server.stored()) == sorted([*ids, rest_id])


async def test_f21_who_is_behind_and_goes_on_talking_hears_the_close_code_too(
    serving: Serving,
) -> None:
    server = serving(DRAIN_SECONDS="0").start()
    alice = await Person(server, "alice").register()
    group = await alice.group()
    laptop = await alice.socket()
    silent = await Socket(alice).connect()
    slow = await alice.socket(receive_buffer=4096)
    for _ in range(30):
        assert (await laptop.send(group, "x" * 4000))["type"] == "ack"

    async def talk() -> None:
        # Comes when the server reads no more. A connection that is closed on it is reset, and what
        # was on its way there is lost.
        with contextlib.suppress(ConnectionClosed):
            while True:
                await slow.say("ping")
                await asyncio.sleep(0.05)

    talking = asyncio.create_task(talk())
    server.terminate()
    assert await laptop.closed() == 1012
    # Who has not said hello yet is sent away as well.
    assert await silent.closed() == 1012
    # So far is this device behind; without it the process would have ended by now.
    await asyncio.sleep(1)
    assert await slow.closed() == 1012
    await talking
    assert await server.ended() == 0


async def test_f22_a_handler_that_hangs_does_not_keep_the_process_alive(serving: Serving) -> None:
    stuck = (
        "import time; from django.core.management import execute_from_command_line as run;"
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'pneumatic.settings';"
        "from pneumatic.lib import health; alive = health.alive;"
        "health.alive = lambda r: time.sleep(90) if 'stuck' in r.GET else alive(r);"
        "run(['manage.py', 'serve'])"
    )
    server = serving(DRAIN_SECONDS="0")
    server.environment["PYTHONPATH"] = str(BASE_DIR)
    server.start([sys.executable, "-c", stuck])
    alice = await Person(server, "alice").register()
    group = await alice.group()
    socket = await alice.socket()
    hanging = asyncio.create_task(alice.ask("../../healthz?stuck"))
    await asyncio.sleep(0.5)
    assert (await socket.send(group, "before"))["type"] == "ack"
    told_at = time.monotonic()
    server.terminate()
    assert await socket.closed() == 1012
    assert await server.ended(seconds=11) == 1
    assert time.monotonic() - told_at < 10.5
    assert (await hanging).status_code == 500
    assert len(server.stored()) == 1


async def test_f1_a_killed_process_has_lost_nothing_that_it_acknowledged(serving: Serving) -> None:
    server = serving().start()
    alice = await Person(server, "alice").register()
    group = await alice.group()
    acknowledged: list[str] = []
    sockets = [await alice.socket() for _ in range(4)]
    talking = [asyncio.create_task(talk_until_cut(each, group, acknowledged)) for each in sockets]
    await asyncio.sleep(0.5)
    server.process.send_signal(signal.SIGKILL)
    assert {code for code, _ in await asyncio.gather(*talking)} == {1006}
    await server.ended()
    stored = server.stored()
    assert len(acknowledged) > 4
    assert set(acknowledged) <= set(stored)
    assert len(set(stored)) == len(stored)

    server.start()
    again = await alice.socket()
    for message_id in acknowledged[:3]:
        answer = await again.send(group, id=message_id)
        assert (answer["type"], answer["duplicate"]) == ("ack", True)
    assert sorted(server.stored()) == sorted(stored)
    await again.close()


async def test_f26_a_process_that_stood_still_goes_on_as_if_nothing_had_been(
    serving: Serving,
) -> None:
    server = serving().start()
    alice = await Person(server, "alice").register()
    group = await alice.group()
    socket = await alice.socket()
    server.process.send_signal(signal.SIGSTOP)
    sending = asyncio.create_task(socket.send(group))
    await asyncio.sleep(3)
    assert not sending.done()
    server.process.send_signal(signal.SIGCONT)
    assert (await sending)["type"] == "ack"
    assert len(server.stored()) == 1
    await socket.close()
