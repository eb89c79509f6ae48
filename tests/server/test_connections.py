"""How the settings keep connections to the database from running out, or into each other."""

import re

import pytest
from django.conf import settings

from tests.server.person import Person
from tests.server.postgres import Postgres
from tests.server.running import Running

pytestmark = pytest.mark.asyncio


@pytest.mark.slow
@pytest.mark.needs_postgres
async def test_requests_leave_no_connections_behind(
    postgres: Postgres, on_postgres: Running
) -> None:
    alice = await Person(on_postgres, "alice").register()
    for _ in range(40):
        assert (await alice.ask("conversations/")).status_code == 200
    assert len(postgres.backends()) <= 16


@pytest.mark.needs_postgres
async def test_no_connection_outlives_its_request_but_in_the_pool() -> None:
    database = settings.DATABASES["default"]
    assert database["CONN_MAX_AGE"] == 0
    assert database["OPTIONS"]["pool"]["max_size"] >= 1


@pytest.mark.once
async def test_on_sqlite_a_transaction_takes_the_lock_when_it_begins() -> None:
    options = settings.DATABASES["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert re.search(r"journal_mode=WAL;.*busy_timeout=\d{4}", options["init_command"])
    assert options["timeout"] >= 5
