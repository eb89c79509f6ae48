"""The database is away, busy, full or read-only: everyone is told soon, and it heals by itself."""

import asyncio
import re
import signal
import sqlite3
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.faults.wire import Wire
from tests.server.running import PASSWORD, PATIENCE, Person, Postgres, Running, Socket, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]
needs_postgres = pytest.mark.needs_postgres

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


def threads_of(server: Running) -> int:
    """Of the process that is the server; a helper of each request would show."""
    return len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))


def megabytes_of(server: Running) -> float:
    """Memory that it holds."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{server.process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


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


@needs_postgres
async def test_f9_while_postgres_is_down_both_doors_say_so_in_time_and_then_go_on(
    postgres: Postgres, on_postgres: Running
) -> None:
    alice, socket, group = await friends(on_postgres)
    postgres.end(signal.SIGINT)
    ids = await refused(alice, socket, group)
    assert (await alice.ask("../../readyz")).status_code == 503
    # Nobody is let in, and nobody is told that the password was wrong.
    signing_in = {"username": alice.name, "password": PASSWORD}
    answer = await alice.ask("auth/token/", signing_in)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    # Once more after a while: nothing piles up, and the socket is the same.
    await refused(alice, socket, group)
    postgres.start()
    await accepted(alice, socket, group, ids)
    assert (await alice.ask("../../readyz")).status_code == 200
    assert set(ids) <= set(stored(postgres))
    await socket.close()


@needs_postgres
async def test_f9_while_postgres_is_down_nothing_piles_up_and_all_return_at_once(
    postgres: Postgres, on_postgres: Running
) -> None:
    alice, socket, group = await friends(on_postgres)
    sockets = [socket, *[await alice.socket() for _ in range(9)]]

    async def everybody() -> tuple[set[str], set[int]]:
        """Sends by every socket, and as much by REST: what came of them."""
        async with asyncio.TaskGroup() as tasks:
            said = [tasks.create_task(at_once(each, group, 1)) for each in sockets]
            asked = [tasks.create_task(alice.ask("conversations/")) for _ in range(20)]
            posted = [tasks.create_task(alice.post(group)) for _ in range(20)]
        answers = [task.result() for task in (*asked, *posted)]
        assert all("Retry-After" in each.headers for each in answers if each.status_code == 503)
        kinds = set().union(*(task.result() for task in said))
        return kinds, {each.status_code for each in answers}

    # Everything that is made lazily, and kept, exists now.
    assert await everybody() == ({"ack"}, {200, 201})
    postgres.end(signal.SIGINT)
    assert await everybody() == ({"unavailable"}, {503})
    megabytes = megabytes_of(on_postgres)
    for _ in range(2):
        began = time.monotonic()
        assert await everybody() == ({"unavailable"}, {503})
        assert time.monotonic() - began < PROMPT
        assert (await alice.ask("../../readyz")).status_code == 503
    # Eight for the database, some of the pools and of the probes: not one for each that waits.
    assert threads_of(on_postgres) < 40
    assert megabytes_of(on_postgres) < megabytes + 20
    assert await counted(alice, "no_connection") > 0
    postgres.start()
    await accepted(alice, socket, group, two_ids())
    # Whoever comes back meets a pool that is as bounded as ever, and nobody is turned away.
    assert await everybody() == ({"ack"}, {200, 201})
    assert len(postgres.backends()) <= 16
    assert {each.line.close_code for each in sockets} == {None}
    await asyncio.gather(*(each.close() for each in sockets))


@needs_postgres
async def test_f8_an_immediate_restart_closes_no_socket_and_needs_no_help(
    postgres: Postgres, on_postgres: Running
) -> None:
    alice, socket, group = await friends(on_postgres)
    await fill_the_pool(alice, group)
    postgres.end(signal.SIGQUIT)
    postgres.start()
    ids = two_ids()
    await accepted(alice, socket, group, ids)
    assert stored(postgres).count(ids[0]) == 1
    assert len(stored(postgres)) == 14
    await socket.close()


@needs_postgres
async def test_pg_failover_readonly_counts_as_away_and_connects_anew(
    postgres: Postgres, on_postgres: Running
) -> None:
    alice, socket, group = await friends(on_postgres)
    before = postgres.backends()
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")
    # Each of PostgreSQL's processes takes the setting over in its own time.
    async with asyncio.timeout(PATIENCE):
        while True:
            error, answer = await both_doors(alice, socket, group, two_ids())
            if error["type"] == "error" and answer.status_code == 503:
                break
    ids = await refused(alice, socket, group)
    # Those who were connected before are not asked again: they may lead to what is no primary now.
    await until(lambda: not before & postgres.backends())
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")
    await accepted(alice, socket, group, ids)
    await socket.close()


@needs_postgres
async def test_f12_a_conversation_that_is_locked_holds_up_no_other(
    postgres: Postgres, on_postgres: Running
) -> None:
    alice, socket, group = await friends(on_postgres)
    bob = await Person(on_postgres, "bob").register()
    other = await bob.group()
    socket_of_bob = await bob.socket()
    with postgres.connect() as connection:
        connection.execute("SELECT 1 FROM chat_conversation WHERE id = %s FOR UPDATE", [group])
        refusal = asyncio.create_task(refused(alice, socket, group))
        await postgres.somebody_waits_for_a_lock()
        for _ in range(5):
            began = time.monotonic()
            assert (await socket_of_bob.send(other))["type"] == "ack"
            assert (await bob.post(other)).status_code == 201
            assert time.monotonic() - began < 1.5
        ids = await refusal
    await accepted(alice, socket, group, ids)
    await asyncio.gather(socket.close(), socket_of_bob.close())


@needs_postgres
@pytest.mark.parametrize("door", ["socket", "rest"])
async def test_f13_a_deadlock_is_repeated_and_nobody_hears_of_it(
    postgres: Postgres, on_postgres: Running, door: str
) -> None:
    alice, socket, group = await friends(on_postgres)
    for _ in range(10):
        answer = await in_each_others_way(postgres, alice, socket, group, door)
        if "deadlock detected" in postgres.log:
            break
        # The server looks for a deadlock once; on a busy machine that was before there was one.
        assert answer in {"unavailable", 503}
    assert answer in {"ack", 201}
    assert "transaction_repeated" in on_postgres.log
    assert len(stored(postgres)) == 1
    await socket.close()


async def in_each_others_way(
    postgres: Postgres, alice: Person, socket: Socket, group: str, door: str
) -> str | int:
    """Each has a lock that the other one waits for; what came of the message."""
    async with await psycopg.AsyncConnection.connect(postgres.url) as connection:
        # It never looks for a deadlock, so it is the server that finds it, and gives in.
        await connection.execute("SET deadlock_timeout = '60s'")
        # A message refers to its sender's row, and its conversation's is locked before.
        await connection.execute("SELECT 1 FROM accounts_user WHERE id = %s FOR UPDATE", [alice.id])
        sending: asyncio.Task[dict[str, Any] | httpx.Response] = asyncio.create_task(
            socket.send(group) if door == "socket" else alice.post(group)
        )
        await postgres.somebody_waits_for_a_lock()
        await connection.execute(
            "SELECT 1 FROM chat_conversation WHERE id = %s FOR UPDATE", [group]
        )
    answer = await sending
    if isinstance(answer, httpx.Response):
        return answer.status_code
    return str(answer.get("code", answer["type"]))


@needs_postgres
async def test_f10_with_too_many_connections_some_wait_and_none_gets_an_error_of_ours(
    postgres: Postgres, on_postgres: Running
) -> None:
    alice, socket, group = await friends(on_postgres)
    postgres.end(signal.SIGINT)
    postgres.start("-cmax_connections=8")
    with postgres.connect() as one, postgres.connect() as two:
        for each in (one, two):
            each.execute("SELECT 1")
        async with asyncio.TaskGroup() as tasks:
            posting = [tasks.create_task(alice.post(group)) for _ in range(120)]
            sending = tasks.create_task(at_once(socket, group, 20))
        answers = [task.result() for task in posting]
        assert sending.result() <= {"ack", "unavailable"}
        assert {each.status_code for each in answers} <= {201, 503}
        assert all("Retry-After" in each.headers for each in answers if each.status_code == 503)
        assert sum(each.status_code == 201 for each in answers) > 0
    assert socket.line.close_code is None
    await accepted(alice, socket, group, two_ids())
    await socket.close()


@needs_postgres
async def test_f10_where_no_connection_is_left_all_are_told_to_try_again_and_so_is_the_operator(
    postgres: Postgres, on_postgres: Running
) -> None:
    alice, socket, group = await friends(on_postgres)
    postgres.end(signal.SIGINT)
    postgres.start("-cmax_connections=8", "-csuperuser_reserved_connections=0")
    others: list[psycopg.Connection[Any]] = []
    try:
        async with asyncio.timeout(PATIENCE):
            # The server itself may have been first with some: those are taken from it.
            while len(others) < 8:
                try:
                    others.append(await asyncio.to_thread(postgres.connect))
                except psycopg.OperationalError:
                    others[-1].execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> ALL (%s)",
                        [[each.info.backend_pid for each in others]],
                    )
                    others[-1].commit()
        ids = await refused(alice, socket, group)
        assert (await alice.ask("../../readyz")).status_code == 503
        assert await counted(alice, "no_connection") > 0
        assert socket.line.close_code is None
    finally:
        for each in others:
            each.close()
    await accepted(alice, socket, group, ids)
    await socket.close()


@needs_postgres
async def test_f24_a_postgres_that_hangs_is_told_from_one_that_is_slow(
    postgres: Postgres, on_postgres: Running
) -> None:
    alice, socket, group = await friends(on_postgres)
    bob = await Person(on_postgres, "bob").register()
    sockets = [await bob.socket() for _ in range(10)]
    await fill_the_pool(alice, group)
    with postgres.hanging():
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(refused(alice, socket, group))
            # Who comes a little later waits no longer: neither behind the first, nor for a thread.
            await asyncio.sleep(1)
            began = time.monotonic()
            later = [tasks.create_task(each.send(group)) for each in sockets]
            asking = [tasks.create_task(bob.ask("conversations/")) for _ in range(20)]
        assert time.monotonic() - began < PROMPT
        assert {task.result().get("code") for task in later} == {"unavailable"}
        assert {task.result().status_code for task in asking} == {503}
        assert (await alice.ask("../../readyz")).status_code == 503
    await accepted(alice, socket, group, first.result())
    await asyncio.gather(*(each.close() for each in (socket, *sockets)))


@needs_postgres
async def test_f24_a_network_that_is_cut_without_a_word_is_noticed_in_time(
    over_the_wire: Running, wire: Wire
) -> None:
    server = over_the_wire
    alice, socket, group = await friends(server)
    await fill_the_pool(alice, group)
    assert wire.connections() > 2
    wire.go_silent()
    # First on connections from before, then there are none.
    ids = await refused(alice, socket, group)
    assert (await alice.ask("../../readyz")).status_code == 503
    assert (await alice.ask("../../healthz")).status_code == 200
    await refused(alice, socket, group)
    wire.heal()
    await accepted(alice, socket, group, ids)
    assert (await alice.ask("../../readyz")).status_code == 200
    assert "abandoned_work_failed" not in server.log
    await socket.close()


@pytest.mark.once
async def test_sqlite_locked_for_three_seconds_is_waited_for(
    serving: Callable[..., Running],
) -> None:
    server = serving().start()
    alice, socket, group = await friends(server)
    with_lock = sqlite3.connect(server.database, isolation_level=None)
    with_lock.execute("BEGIN IMMEDIATE")
    both = asyncio.gather(socket.send(group), alice.post(group))
    await asyncio.sleep(3)
    with_lock.rollback()
    with_lock.close()
    ack, answer = await both
    assert (ack["type"], answer.status_code) == ("ack", 201)
    assert len(server.stored()) == 2
    await socket.close()


@pytest.mark.once
async def test_sqlite_locked_for_long_is_unavailable_and_never_half_written(
    serving: Callable[..., Running],
) -> None:
    server = serving().start()
    alice, socket, group = await friends(server)
    with_lock = sqlite3.connect(server.database, isolation_level=None)
    with_lock.execute("BEGIN IMMEDIATE")
    ids = await refused(alice, socket, group)
    with_lock.rollback()
    with_lock.close()
    await accepted(alice, socket, group, ids)
    with sqlite3.connect(server.database) as connection:
        (last,) = connection.execute("SELECT last_seq FROM chat_conversation").fetchone()
        seqs = [row[0] for row in connection.execute("SELECT seq FROM chat_message ORDER BY seq")]
    connection.close()
    assert seqs == list(range(1, last + 1))
    assert sorted(server.stored()) == sorted(ids)
    await socket.close()
