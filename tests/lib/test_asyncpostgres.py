"""Statements from the event loop: what they bring back, and what becomes of each failure."""

import asyncio
import time
import uuid
from datetime import UTC, datetime

import psycopg_pool
import pytest
from django.conf import settings
from django.db import DataError, IntegrityError, connection
from pytest_django import Settings

from pneumatic.lib.database import asyncpostgres
from pneumatic.lib.database.postgres import NoAnswer
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.errors import Unavailable
from tests.lib.backends import backend

#: As the settings have it.
MINE = settings.LOOP_CONNECTIONS

pytestmark = [
    pytest.mark.needs_postgres,
    # Unless a test says otherwise.
    pytest.mark.usefixtures("one_loop_connection"),
    pytest.mark.asyncio,
    pytest.mark.django_db(transaction=True),
]


def ask(statement: str, *parameters: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


async def test_rows_are_as_django_reads_them() -> None:
    sometime, someone = datetime(2026, 11, 28, 12, tzinfo=UTC), uuid.uuid4()
    ((moment, person, zone, durable),) = await asyncpostgres.rows(
        "SELECT %s::timestamptz, %s::uuid, current_setting('TimeZone'),"
        " current_setting('synchronous_commit')",
        [sometime, someone],
    )
    assert (moment, moment.tzinfo, person) == (sometime, UTC, someone)
    assert (zone, durable) == ("UTC", "on")


async def test_what_is_called_is_not_planned_anew_each_time() -> None:
    for _ in range(2):
        await asyncpostgres.rows("SELECT FROM chat_append('[]', false)", [])
    plans = "SELECT SUM(generic_plans), SUM(custom_plans) FROM pg_prepared_statements"
    asked = " WHERE statement LIKE %s"
    assert await asyncpostgres.rows(plans + asked, ["%FROM chat_append%"]) == [(2, 0)]


async def test_a_parameter_of_another_type_is_another_statement() -> None:
    asked = "SELECT pg_typeof(%s)::text"
    for _ in range(2):
        assert await asyncpostgres.rows(asked, [uuid.uuid4()]) == [("uuid",)]
        assert await asyncpostgres.rows(asked, [1.5]) == [("double precision",)]


async def test_what_can_be_done_meanwhile_is_done_once_the_statement_is_on_its_way() -> None:
    done = list[str]()
    rows = await asyncpostgres.rows("SELECT 1", [], meanwhile=lambda: done.append("it"))
    assert (rows, done) == ([(1,)], ["it"])

    def fail() -> None:
        raise ZeroDivisionError

    before = await backend()
    with pytest.raises(ZeroDivisionError):
        await asyncpostgres.rows("SELECT 1", [], meanwhile=fail)
    # What that one was answered is nobody else's.
    assert await asyncpostgres.rows("SELECT 2", []) == [(2,)]
    assert await backend() != before


async def test_a_connection_that_is_kept_at_hand_goes_back_to_its_pool_in_time() -> None:
    await backend()
    known = asyncpostgres._connections.get()
    assert known.pool.get_stats()["pool_available"] == 0
    known._kept[0].fetched_at -= asyncpostgres._KEPT
    await backend()
    assert known.pool.get_stats()["pool_available"] == 1


async def test_a_connection_that_is_lent_while_all_are_renewed_is_not_kept() -> None:
    lent = await backend()
    asking = asyncio.create_task(asyncpostgres.rows("SELECT pg_sleep(0.1), pg_backend_pid()", []))
    # A turn: the connection is at hand.
    await asyncio.sleep(0)
    await asyncpostgres._connections.get().renew()
    assert (await asking)[0][1] == lent
    assert await backend() != lent


async def test_a_connection_that_is_lent_at_the_end_is_closed_when_it_comes_back() -> None:
    await backend()
    asking = asyncio.create_task(asyncpostgres.rows("SELECT pg_sleep(0.1), pg_backend_pid()", []))
    # A turn: the connection is at hand.
    await asyncio.sleep(0)
    await asyncpostgres.close()
    ((_, ended),) = await asking
    alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
    async with asyncio.timeout(5):
        while await asyncpostgres.rows(alive, [ended]) != [(0,)]:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)


async def test_one_connection_serves_one_after_the_other() -> None:
    assert len({await backend() for _ in range(5)}) == 1


async def test_a_few_connections_serve_all_who_ask_at_once(settings: Settings) -> None:
    settings.LOOP_CONNECTIONS = 4
    began = time.monotonic()
    many = [asyncpostgres.rows("SELECT pg_sleep(0.01)", []) for _ in range(50)]
    await asyncio.gather(*many)
    assert time.monotonic() - began < asyncpostgres.SECONDS
    found = await asyncpostgres.rows(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s", ["SELECT pg_sleep(0.01)%"]
    )
    assert 1 <= found[0][0] <= settings.LOOP_CONNECTIONS


async def test_they_and_djangos_are_no_more_than_one_process_may_have() -> None:
    options = connection.settings_dict["OPTIONS"]["pool"]
    assert (options["max_size"], MINE) == (12, 4)


async def test_what_the_database_refuses_is_an_error_of_djangos() -> None:
    with pytest.raises(DataError):
        await asyncpostgres.rows("SELECT 1 / %s::int", [0])
    twice = (
        "INSERT INTO chat_history (id, epoch) SELECT 1, gen_random_uuid() FROM generate_series(1,2)"
    )
    with pytest.raises(IntegrityError):
        await asyncpostgres.rows(f"{twice} RETURNING id", [])
    # The connection is as good as before.
    assert await backend() == await backend()


async def test_what_fails_only_at_the_commit_fails() -> None:
    late = "REFERENCES late DEFERRABLE INITIALLY DEFERRED"
    await in_database(ask, f"CREATE TABLE late (id int PRIMARY KEY, of int {late})")
    try:
        with pytest.raises(IntegrityError):
            await asyncpostgres.rows("INSERT INTO late VALUES (1, 2) RETURNING id", [])
        assert await asyncpostgres.rows("SELECT id FROM late", []) == []
    finally:
        await in_database(ask, "DROP TABLE late")


async def test_a_database_that_says_nothing_is_not_waited_for_and_its_connection_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = await backend()
    monkeypatch.setattr(asyncpostgres, "SECONDS", 0.3)
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        await asyncpostgres.rows("SELECT pg_sleep(20)", [])
    assert time.monotonic() - began < 10
    assert isinstance(caught.value.__cause__, NoAnswer)
    monkeypatch.undo()
    assert await backend() != before


async def test_a_connection_that_is_cut_costs_the_answer_that_is_waited_for() -> None:
    before = await backend()
    with pytest.raises(Unavailable):
        await asyncpostgres.rows("SELECT pg_terminate_backend(pg_backend_pid())", [])
    assert await backend() != before


async def test_a_connection_that_was_cut_while_nobody_asked_costs_none() -> None:
    before = await backend()
    (kept,) = asyncpostgres._connections.get()._kept
    await in_database(ask, "SELECT pg_terminate_backend(%s)", before)
    async with asyncio.timeout(10):
        while not kept.closed:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    assert await backend() != before


async def test_one_that_was_cut_in_its_pool_costs_none_either() -> None:
    before = await backend()
    (kept,) = asyncpostgres._connections.get()._kept
    kept.fetched_at -= asyncpostgres._KEPT
    await backend()  # goes back to its pool
    await in_database(ask, "SELECT pg_terminate_backend(%s)", before)
    async with asyncio.timeout(10):
        while not kept.closed:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    assert await backend() != before


async def test_what_another_transaction_undid_is_begun_anew() -> None:
    failing = """
    CREATE FUNCTION fail_twice() RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE attempt bigint := nextval('attempts');
    BEGIN
      IF attempt < 3 THEN RAISE serialization_failure; END IF;
      RETURN attempt;
    END $$
    """
    await in_database(ask, "CREATE SEQUENCE attempts")
    await in_database(ask, failing)
    try:
        assert await asyncpostgres.rows("SELECT fail_twice()", []) == [(3,)]
    finally:
        await in_database(ask, "DROP FUNCTION fail_twice")
        await in_database(ask, "DROP SEQUENCE attempts")


async def test_who_gives_up_leaves_a_connection_that_is_good_or_none() -> None:
    await backend()
    asking = asyncio.create_task(asyncpostgres.rows("SELECT pg_sleep(20)", []))
    await asyncio.sleep(0.1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await asyncpostgres.rows("SELECT 1", []) == [(1,)]


async def test_with_no_server_at_all_it_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "PORT", 1)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"]["pool"], "timeout", 0.5)
    with pytest.raises(Unavailable) as caught:
        await asyncpostgres.rows("SELECT 1", [])
    assert isinstance(caught.value.__cause__, psycopg_pool.PoolTimeout)
