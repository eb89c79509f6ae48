"""The database is away or read-only: everyone is told soon, and it heals by itself."""

import asyncio
import re
import signal
import time
from pathlib import Path

import psycopg
import pytest

from tests.faults.wire import Wire
from tests.server.both_doors import (
    PROMPT,
    accepted,
    at_once,
    both_doors,
    counted,
    fill_the_pool,
    friends,
    refused,
    stored,
    two_ids,
)
from tests.server.person import PASSWORD, Person
from tests.server.postgres import Postgres
from tests.server.running import PATIENCE, Running, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]
needs_postgres = pytest.mark.needs_postgres


def threads_of(server: Running) -> int:
    """Of the process that is the server; a helper of each request would show."""
    return len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))


def megabytes_of(server: Running) -> float:
    """Memory that it holds."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{server.process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


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
