"""What a database must do with what it has said to be committed."""

from collections.abc import Collection
from typing import Any, Final

from django.core.checks import CheckMessage
from django.core.checks import Warning as Caution
from django.db import DatabaseError, connections

_NEEDED: Final = ("fsync", "full_page_writes")


def what_is_committed_survives_a_crash(
    *, databases: Collection[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """W005: acknowledged means durable, also when the database's machine loses its power."""
    connection = connections["default"]
    if "default" not in (databases or ()) or connection.vendor != "postgresql":
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = 'off'",
                [list(_NEEDED)],
            )
            off = sorted(name for (name,) in cursor.fetchall())
    except DatabaseError:
        return []  # Whoever runs this is told that by what comes next.
    if not off:
        return []
    return [
        Caution(
            f"PostgreSQL may lose acknowledged messages in a power failure: {', '.join(off)} is"
            " off.",
            hint="Turn it on in postgresql.conf, and reload.",
            id="pneumatic.W005",
        )
    ]
