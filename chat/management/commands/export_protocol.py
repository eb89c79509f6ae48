"""`manage.py export_protocol`."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.management import asyncapi_export, protocol_export


class Command(BaseCommand):
    help = (
        "Write the protocol's JSON Schema, AsyncAPI document and TypeScript types, "
        "made from chat/protocol/."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail where a file is stale"
        )
        parser.add_argument(
            "--folder", type=Path, default=settings.BASE_DIR, help="in place of the project's top"
        )

    def handle(self, *args: Any, check: bool, folder: Path, **options: Any) -> None:
        fresh = {
            folder / "static/app/core/protocol.d.ts": protocol_export.typescript(),
            folder / "docs/protocol.schema.json": protocol_export.json_schema(),
            folder / "docs/protocol.asyncapi.json": asyncapi_export.asyncapi(),
        }
        stale = [path for path, text in fresh.items() if _content(path) != text]
        if check and stale:
            names = ", ".join(str(path.relative_to(folder)) for path in stale)
            raise CommandError(f"Stale: {names}. Run `manage.py export_protocol`.")
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(fresh[path], encoding="utf-8")
            self.stdout.write(f"Written: {path.relative_to(folder)}.")


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
