"""Processes that others can't hear."""

from django.db import models


class Unheard(models.Model):
    """A process whose channel layer is away: what it announces reaches nobody else.

    It says so here, again and again; the others ask the database while they find it here.
    """

    process = models.UUIDField(primary_key=True, editable=False)
    #: By the database's clock, which is the same for all processes.
    until = models.DateTimeField(editable=False)

    class Meta:
        verbose_name_plural = "unheard"

    def __str__(self) -> str:
        return str(self.process)
