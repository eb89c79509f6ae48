"""`manage.py restore FILE`."""

import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from chat.management import archive, databases
from chat.management.commands.backup import this_database
from chat.management.sqlite import BEFORE, Sqlite
from pneumatic.lib import serving


class Command(BaseCommand):
    help = "Put a backup in the place of the database. Everything newer is lost."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--force", action="store_true", help="also while somebody uses the database"
        )

    def handle(self, *args: Any, file: Path, force: bool, **options: Any) -> None:
        database = this_database()
        with archive.opened(file) as (manifest, extract):
            if manifest.database != connection.vendor:
                raise CommandError(
                    f"{file} is of {manifest.database}; this database is {connection.vendor}."
                )
            databases.refuse_the_future(manifest.contents)
            with (
                serving.nobody() as alone,
                tempfile.TemporaryDirectory(dir=database.workplace(), prefix=".restore-") as folder,
            ):
                if not force:
                    _require_quiet(alone, database.users())
                payload = Path(folder, "database")
                extract(payload)
                if force:
                    database.put_out()
                contents = database.restore(payload, databases.make_ready)
        self.stdout.write(f"Restored: {contents}, from {manifest.created_at}.")
        self.stdout.write(f"The history is now {contents.epoch}; devices take everything anew.")
        if isinstance(database, Sqlite):
            self.stdout.write(f"What was there before is in {database.path}{BEFORE}.")
        if not alone:
            self.stdout.write("Restart the servers now: they still serve the old history.")


def _require_quiet(alone: bool, users: list[str]) -> None:
    if not alone:
        raise CommandError("A server is running on this data; stop it, or use --force.")
    if users:
        raise CommandError(
            f"Others are connected to the database ({'; '.join(sorted(set(users)))}): stop the "
            "servers, or use --force, which ends these connections."
        )
