"""Patience with PostgreSQL: how long all statements of one piece of work wait, together."""

import time
from contextlib import nullcontext
from typing import Any

import psycopg
import psycopg_pool
import pytest
from django.conf import settings
from django.db import DataError, OperationalError, connection

from pneumatic.lib import tracing
from pneumatic.lib.database import outages
from pneumatic.lib.database.outages import unavailable_from
from pneumatic.lib.database.postgres import NoAnswer, one_statement, patience

pytestmark = [pytest.mark.needs_postgres, pytest.mark.django_db(transaction=True)]


def ask(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_plans_are_made_for_what_is_asked_and_not_compiled() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('plan_cache_mode'), current_setting('jit')")
        assert cursor.fetchone() == ("force_custom_plan", "off")


def test_a_wait_ends_with_the_patience_and_its_connection_too() -> None:
    began = time.monotonic()
    with patience(0.3), pytest.raises(OperationalError) as caught:
        ask("SELECT pg_sleep(20)")
    assert time.monotonic() - began < 10
    assert isinstance(caught.value.__cause__, NoAnswer)
    assert connection.connection.closed
    connection.close()
    # Without a limit, or with enough of it, it is as ever.
    ask("SELECT pg_sleep(0.01)")
    with patience(20):
        ask("SELECT pg_sleep(0.01)")


def test_all_waits_share_one_patience_and_what_lies_between_them_is_free() -> None:
    with patience(1):
        ask("SELECT 1")
        time.sleep(1.2)
        ask("SELECT 1")
        with pytest.raises(OperationalError):
            ask_often("SELECT pg_sleep(0.1)", times=50)
    connection.close()


def ask_often(statement: str, times: int) -> None:
    for _ in range(times):
        ask(statement)


def test_what_passes_before_the_first_statement_counts() -> None:
    with patience(0.3):
        time.sleep(0.4)  # as when a connection is waited for
        with pytest.raises(OperationalError):
            ask("SELECT pg_sleep(0.2)")
    connection.close()


def test_an_error_of_the_servers_stays_what_it_is() -> None:
    with patience(5), pytest.raises(OperationalError) as caught:
        ask("SET statement_timeout = 50; SELECT pg_sleep(2)")
    assert isinstance(caught.value.__cause__, psycopg.errors.QueryCanceled)
    connection.close()


@pytest.mark.parametrize(("silent_for", "renewals"), [(0.5, 0), (4.0, 1)])
def test_only_a_server_that_was_silent_for_long_costs_the_other_connections(
    monkeypatch: pytest.MonkeyPatch, silent_for: float, renewals: int
) -> None:
    renewed: list[int] = []
    monkeypatch.setattr(outages, "_renew_pool", lambda: renewed.append(1))
    error = OperationalError("no answer")
    error.__cause__ = NoAnswer(silent_for)
    problem = unavailable_from(error)
    assert problem is not None
    assert problem.code == "unavailable"
    assert len(renewed) == renewals


def test_the_servers_own_limit_for_locks_ends_before_ours() -> None:
    assert "lock_timeout=3000" in settings.DATABASES["default"]["OPTIONS"]["options"]


def pool() -> psycopg_pool.ConnectionPool[Any]:
    """Django's own."""
    found: psycopg_pool.ConnectionPool[Any] = getattr(connection, "pool")  # noqa: B009
    return found


def test_one_statement_borrows_a_connection_and_gives_it_back() -> None:
    connection.close()
    for _ in range(pool().max_size + 1):
        assert one_statement(connection, "SELECT %s", ["a"]) == [("a",)]
        with pytest.raises(DataError):
            one_statement(connection, "SELECT %s::int", ["a"])
    assert connection.connection is None


def test_one_statement_is_committed_whatever_the_connection_was_in_before() -> None:
    connection.close()
    broken = pool().getconn()
    broken.autocommit = False
    broken.execute("SELECT 1")
    pool().putconn(broken)
    for _ in range(len(pool()._pool)):
        assert one_statement(connection, "SELECT pg_current_xact_id()::text", [])
    for each in pool()._pool:
        assert each.autocommit
        assert each.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_one_statement_waits_as_long_as_the_patience_and_lets_its_connection_go() -> None:
    connection.close()
    with patience(0.3), pytest.raises(OperationalError) as caught:
        one_statement(connection, "SELECT pg_sleep(20)", [])
    assert isinstance(caught.value.__cause__, NoAnswer)
    assert one_statement(connection, "SELECT %s", ["b"]) == [("b",)]


def test_one_statement_is_traced_once_whoever_sends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    spans: list[dict[str, Any]] = []

    def span(name: str, **attributes: Any) -> nullcontext[None]:
        spans.append({"name": name, **attributes})
        return nullcontext()

    monkeypatch.setattr(tracing, "span", span)
    connection.close()
    one_statement(connection, "SELECT %s", ["secret"])
    assert spans == [{"name": "database", "sql": "SELECT %s"}]
    # At a connection of Django's, the instrumentation of its cursors does it.
    connection.ensure_connection()
    one_statement(connection, "SELECT %s", ["secret"])
    assert len(spans) == 1
    connection.close()
