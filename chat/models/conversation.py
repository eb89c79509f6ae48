"""Conversations, their two counters, and the identity of this history."""

import uuid
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from chat import limits
from pneumatic.lib.ids import uuid7


class Conversation(models.Model):
    """A direct conversation of two people, or a group.

    `last_seq` counts its messages, `version` its changes. Both are only ever taken while the row
    is locked, in the transaction that makes the change: so both are without gaps, and their order
    is the order of the commits.
    """

    class Kind(models.TextChoices):
        DIRECT = "direct"
        GROUP = "group"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=8, choices=Kind)
    title = models.CharField(max_length=limits.TITLE_CHARS, blank=True, default="")
    topic = models.CharField(max_length=limits.TOPIC_CHARS, blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)
    last_message_at = models.DateTimeField(null=True, editable=False)
    member_count = models.PositiveIntegerField(default=0, editable=False)
    last_seq = models.PositiveBigIntegerField(default=0, editable=False)
    version = models.PositiveBigIntegerField(default=0, editable=False)
    #: The version at which somebody's membership last ended. It travels with every live event: a
    #: process that has not heard of that end asks the database before it delivers.
    ended_version = models.PositiveBigIntegerField(default=0, editable=False)
    #: The two members' ids, ordered: the same text whoever of them asks. Groups have none.
    direct_key = models.CharField(  # noqa: DJ001  # null, because any number may have none
        max_length=73, null=True, unique=True, editable=False
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="conversation_direct_has_key",
                condition=Q(kind="direct", direct_key__isnull=False)
                | Q(kind="group", direct_key__isnull=True),
            ),
            models.CheckConstraint(
                name="conversation_group_has_title", condition=Q(kind="direct") | ~Q(title="")
            ),
            models.CheckConstraint(
                name="conversation_seq_within_version", condition=Q(last_seq__lte=F("version"))
            ),
        )

    def __str__(self) -> str:
        return self.title or f"direct {self.id}"

    def next_version(self) -> int:
        """Take the next version, in memory: the row must be locked, and saved afterwards."""
        self.version += 1
        return self.version

    @staticmethod
    def key_of(one: UUID, other: UUID) -> str:
        """The `direct_key` of the conversation of these two people."""
        return ":".join(sorted((str(one), str(other))))


class History(models.Model):
    """The one row that names this history; a restored backup gets another `epoch`."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    epoch = models.UUIDField(default=uuid.uuid4)

    class Meta:
        verbose_name_plural = "history"
        constraints = (models.CheckConstraint(name="history_has_one_row", condition=Q(id=1)),)

    def __str__(self) -> str:
        return str(self.epoch)
