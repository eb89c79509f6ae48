"""How many statements a server runs, whichever of its threads runs them."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db.backends.utils import CursorWrapper

from chat.models import Unheard
from pneumatic.lib.database import asyncpostgres


def count_queries(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count from now on; call what is returned for the number so far."""
    count = 0
    real, real_many = CursorWrapper.execute, CursorWrapper.executemany
    real_bare = psycopg.Cursor.execute
    real_rows, real_begin = asyncpostgres.rows, asyncpostgres.begin

    def execute(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        nonlocal count
        # What opens and ends a transaction is no question, and nobody's frame asks every 1.5 s
        # whether another process can be heard.
        no_question = str(sql).startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))
        by_the_clock = str(sql).startswith("SELECT 1 AS") and Unheard._meta.db_table in str(sql)
        count += not (no_question or by_the_clock)
        return real(self, sql, params)

    def executemany(self: CursorWrapper, sql: Any, params: Any) -> Any:
        nonlocal count
        count += 1
        return real_many(self, sql, params)

    def execute_bare(self: psycopg.Cursor[Any], *args: Any, **kwargs: Any) -> Any:
        nonlocal count
        # `one_statement` has no cursor of Django's, whose own are of a kind that derives from this.
        count += type(self) is psycopg.Cursor
        return real_bare(self, *args, **kwargs)

    async def rows(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        return await real_rows(*args, **kwargs)

    def begin(*args: Any, **kwargs: Any) -> bool:
        nonlocal count
        begun = real_begin(*args, **kwargs)
        count += begun
        return begun

    monkeypatch.setattr(asyncpostgres, "rows", rows)
    monkeypatch.setattr(asyncpostgres, "begin", begin)
    monkeypatch.setattr(psycopg.Cursor, "execute", execute_bare)
    monkeypatch.setattr(CursorWrapper, "execute", execute)
    monkeypatch.setattr(CursorWrapper, "executemany", executemany)
    return lambda: count
