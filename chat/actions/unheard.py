"""A process tells the others, through the database, that they can't hear it."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models.functions import Now

from chat.models import Unheard

#: Seconds that it counts as unheard without saying so again: some of the hub's rounds.
_SECONDS: Final = 10


def say_unheard(*, process: UUID) -> None:
    """Others shall ask the database for what this process can't tell them, for some seconds."""
    until = Now() + timedelta(seconds=_SECONDS)
    Unheard.objects.update_or_create(process=process, defaults={"until": until})
    Unheard.objects.filter(until__lt=Now()).delete()


def say_heard(*, process: UUID) -> None:
    """They hear it again."""
    Unheard.objects.filter(process=process).delete()
