"""`manage.py seed_demo`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.management import demo


class Command(BaseCommand):
    help = "Make a few demo people with conversations. Again: only what is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--force", action="store_true", help="in production too: anyone can then sign in"
        )

    def handle(self, *args: Any, force: bool = False, **options: Any) -> str:
        if settings.PRODUCTION and not force:
            raise CommandError(
                "The demo people's password is public, so production gets none of them. "
                "If that is what you want, say --force."
            )
        try:
            made = demo.plant()
        except demo.NameTaken as name:
            raise CommandError(
                f"Somebody here is called {name} already, so the demo can't be made."
            ) from None
        return (
            f"Made {made.people} people, {made.conversations} conversations "
            f"and {made.messages} messages."
        )
