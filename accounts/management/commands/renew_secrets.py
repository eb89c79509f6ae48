"""`manage.py renew_secrets`: one step of changing SECRET_KEY (docs/configuration.md)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import actions


class Command(BaseCommand):
    help = "Encrypt second factors with the present SECRET_KEY, so that former ones can go."

    def handle(self, *args: Any, **options: Any) -> None:
        count, lost = actions.renew_secrets()
        self.stdout.write(f"{count} second factors are encrypted with the present SECRET_KEY.")
        if lost:
            names = ", ".join(sorted(user.username for user in lost))
            raise CommandError(
                f"No key of SECRET_KEY and SECRET_KEY_FALLBACKS reads those of: {names}. They come "
                "in with a recovery code, or after manage.py remove_second_factor."
            )
