"""`manage.py remove_second_factor`: for whoever lost both the phone and the recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import actions, mail, queries


class Command(BaseCommand):
    help = "Turn somebody's second factor off, and sign them out everywhere. Know who is asking."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="Or the e-mail address.")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user = queries.user_by_login(username)
        if user is None:
            raise CommandError("There is nobody of that name.")
        if user.second_factor_at is None:
            raise CommandError(f"{user} has no second factor.")
        actions.remove_second_factor(user=user)
        mail.drain()
        self.stdout.write(f"{user} signs in with the password alone now.")
