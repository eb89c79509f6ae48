"""The database is locked, or full of connections: who can wait does, and all are told soon."""

import asyncio
import signal
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from tests.server.both_doors import (
    accepted,
    at_once,
    counted,
    friends,
    refused,
    stored,
    two_ids,
)
from tests.server.person import Person, Socket
from tests.server.postgres import Postgres
from tests.server.running import PATIENCE, Running

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]
needs_postgres = pytest.mark.needs_postgres


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
