"""What backing up and restoring means for any database; each kind has a module of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from accounts.models import User
from chat.actions.history import begin_new_history
from chat.management.archive import Contents
from chat.models import Conversation, History, Message

Rows = list[tuple[Any, ...]]


class Database(Protocol):
    """One kind of database."""

    def dump(self) -> Iterator[bytes]:
        """The database at one moment, while people go on writing."""

    def contents(self) -> Contents:
        """What is in it at the moment of the dump; to be asked after the dump's last chunk."""

    def users(self) -> list[str]:
        """Who is connected to it now, in words."""

    def put_out(self) -> None:
        """End the connections of whoever that is."""

    def restore(self, payload: Path, prepare: Callable[[], Contents]) -> Contents:
        """Put a dump into the database's place, wholly or not at all.

        `prepare` makes it ready for use, through Django's connection. Returns what it returns.
        """

    def workplace(self) -> Path | None:
        """A folder on the same disk as the database; None: wherever temporary files go."""


def read_contents(query: Callable[[str], Rows]) -> Contents:
    """What is in a database that answers to plain SQL."""
    counts = [
        query(f"SELECT count(*) FROM {model._meta.db_table}")[0][0]  # noqa: S608
        for model in (User, Conversation, Message)
    ]
    history = query(f"SELECT epoch FROM {History._meta.db_table}")  # noqa: S608
    migrations = query("SELECT app, name FROM django_migrations ORDER BY app, name")
    return Contents(
        epoch=str(UUID(str(history[0][0]))) if history else None,
        users=counts[0],
        conversations=counts[1],
        messages=counts[2],
        migrations=[f"{app}.{name}" for app, name in migrations],
    )


def refuse_the_future(contents: Contents) -> None:
    """Raise `CommandError` where a backup has migrations that this version doesn't know."""
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    unknown = sorted(set(contents.migrations) - known)
    if unknown:
        raise CommandError(
            f"The backup is of a newer version (it has {', '.join(unknown)}); restore it with that."
        )


def make_ready() -> Contents:
    """Migrate what was restored, and give its history a new name; what is in it."""
    call_command("migrate", verbosity=0, interactive=False)
    begin_new_history()
    return read_contents(_through_django)


def _through_django(sql: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
