"""``manage.py verify_audit``: was the audit trail changed behind the program's back?"""

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import chain


class Command(BaseCommand):
    help = (
        "Check that no entry of the audit trail was changed, removed, added or reordered. Ends with"
        " 1 and says which where one was. Note what it prints, and give it the next time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            type=_anchor,
            metavar="NUMBER:DIGEST",
            help="what an earlier check, or a line `audit` in the log, said",
        )

    def handle(self, *args: Any, since: chain.Anchor | None = None, **options: Any) -> None:
        end = chain.head()
        found = 0
        for problem in chain.problems(since=since):
            self.stderr.write(problem)
            found += 1
        if found:
            raise CommandError(f"The audit trail was tampered with: {found} problems.")
        self.stdout.write(f"The audit trail is sound: {end.number} entries.")
        self.stdout.write(f"{end.number}:{end.digest}")


def _anchor(text: str) -> chain.Anchor:
    number, _, digest = text.partition(":")
    if not number.isdecimal() or len(digest) != 64:
        raise ArgumentTypeError("write it as NUMBER:DIGEST, as this command printed it")
    return chain.Anchor(int(number), digest)
