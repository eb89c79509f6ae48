"""A migration takes the time that a large table needs, and does no more with it than it has to."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import pre_migrate

LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")


def limits() -> list[str]:
    with connection.cursor() as cursor:
        return [cursor.execute(f"SHOW {each}").fetchone()[0] for each in LIMITS]


@contextmanager
def when_it_begins(do: Any) -> Iterator[None]:
    pre_migrate.connect(do, weak=False)
    try:
        yield
    finally:
        pre_migrate.disconnect(do)


@pytest.mark.needs_postgres
@pytest.mark.django_db(transaction=True)
def test_statements_of_a_migration_have_no_limit_and_locks_have() -> None:
    seen: list[list[str]] = []
    with when_it_begins(lambda **_: seen.append(limits())):
        call_command("migrate", verbosity=0)
    assert {tuple(each) for each in seen} == {("0", "0", "3s")}
    assert limits() == ["15s", "30s", "3s"]


@pytest.mark.needs_postgres
@pytest.mark.django_db(transaction=True)
def test_what_comes_after_a_failed_migration_has_its_limits() -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("The migration failed.")

    with when_it_begins(fail), pytest.raises(RuntimeError):
        call_command("migrate", verbosity=0)
    assert limits() == ["15s", "30s", "3s"]


@pytest.mark.needs_postgres
@pytest.mark.django_db
@pytest.mark.parametrize("name", ["0005", "0006"])
def test_dropping_indexes_checks_no_foreign_key_again(name: str) -> None:
    out = StringIO()
    call_command("sqlmigrate", "chat", name, stdout=out, no_color=True)
    assert "DROP INDEX" in out.getvalue()
    assert not re.search(r"ALTER TABLE|CONSTRAINT", out.getvalue())


@pytest.mark.django_db(transaction=True)
def test_dropped_indexes_of_foreign_keys_can_be_had_back() -> None:
    def indexes() -> dict[str, list[str]]:
        with connection.cursor() as cursor:
            found = {
                table: connection.introspection.get_constraints(cursor, table)
                for table in ("chat_message", "chat_conversation", "chat_mention")
            }
        return {
            name: constraint["columns"]
            for each in found.values()
            for name, constraint in each.items()
            if constraint["index"]
        }

    now = indexes()
    try:
        call_command("migrate", "chat", "0004", verbosity=0)
        before = indexes()
    finally:
        call_command("migrate", "chat", verbosity=0)
    assert indexes() == now
    gone = [columns for name, columns in before.items() if name not in now]
    assert sorted(gone) == [["conversation_id"], ["created_by_id"], ["reply_to_id"], ["sender_id"]]
