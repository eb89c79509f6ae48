"""`manage.py migrate`, with as much time for each statement as it needs.

The limit of the settings is for what somebody waits for. An index over ten million rows takes
longer, and a migration that is cancelled for that could never succeed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands.migrate import Command as DjangoCommand
from django.db import connections


class Command(DjangoCommand):
    """Django's own. Locks are waited for as ever: others would stand in line behind us."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        with _without_time_limits(options["database"]):
            return super().handle(*args, **options)


@contextmanager
def _without_time_limits(alias: str) -> Iterator[None]:
    connection = connections[alias]
    # Whoever begins a transaction of their own around it has said how long that may take.
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        # The second one: a migration may compute for long between two statements.
        cursor.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
    try:
        yield
    finally:
        # For good: after a failure a RESET may be refused, and the pool would give the connection
        # to somebody else as it is.
        if connection.connection is not None:
            connection.connection.close()
        connection.close()
