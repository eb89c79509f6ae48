"""`manage.py backup FILE`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from chat.management import archive
from chat.management.databases import Database
from chat.management.postgres import Postgres
from chat.management.sqlite import Sqlite


class Command(BaseCommand):
    help = "Write the whole database into one file, while servers go on."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="replace the file if it exists")

    def handle(self, *args: Any, file: Path, force: bool, **options: Any) -> None:
        database = this_database()
        try:
            manifest = archive.write(
                file,
                database.dump(),
                database.contents,
                version=settings.VERSION,
                created_at=datetime.now(UTC).isoformat(timespec="seconds"),
                database=connection.vendor,
                force=force,
            )
        except FileExistsError:
            raise CommandError(f"{file} exists; use another name, or --force.") from None
        except OSError as error:
            raise CommandError(f"{file} could not be written: {error}.") from error
        self.stdout.write(f"{file}: {manifest.contents}, of history {manifest.contents.epoch}.")


def this_database() -> Database:
    return Sqlite() if connection.vendor == "sqlite" else Postgres()
