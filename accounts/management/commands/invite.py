"""`manage.py invite`: a link that lets one person register."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts import actions, mail

DAYS_MAX = 365


class Command(BaseCommand):
    help = "Make an invitation that one person can register with, and print its link once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", default="", help="Only this address may use it.")
        parser.add_argument("--note", default="", help="For the staff: whom it is for.")
        parser.add_argument("--days", type=int, default=7, help="How long it lasts.")

    def handle(self, *args: Any, email: str, note: str, days: int, **options: Any) -> None:
        if not 1 <= days <= DAYS_MAX:
            raise CommandError(f"--days: use 1 to {DAYS_MAX}.")
        try:
            if email:
                validate_email(email)
        except ValidationError as error:
            raise CommandError(f"--email: {' '.join(error.messages)}") from error
        _, link = actions.invite(created_by=None, email=email, note=note[:200], days=days)
        mail.drain()
        self.stdout.write(link)
        if settings.REGISTRATION == "closed":
            self.stderr.write("REGISTRATION is closed: nobody can use it before that is changed.")
