"""How many statements a server runs, whichever of its threads runs them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.backends.utils import CursorWrapper


def count_queries(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count from now on; call what is returned for the number so far."""
    count = 0
    real, real_many = CursorWrapper.execute, CursorWrapper.executemany

    def execute(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        nonlocal count
        # What opens and ends a transaction is no question.
        count += not str(sql).startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))
        return real(self, sql, params)

    def executemany(self: CursorWrapper, sql: Any, params: Any) -> Any:
        nonlocal count
        count += 1
        return real_many(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", execute)
    monkeypatch.setattr(CursorWrapper, "executemany", executemany)
    return lambda: count
