"""Who is in a conversation, as what, and how far they have read."""

from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from chat.models.conversation import Conversation


class Membership(models.Model):
    """A person in a conversation; the row stays, with `left_at`, when the membership ends."""

    class Role(models.TextChoices):
        OWNER = "owner"
        ADMIN = "admin"
        MEMBER = "member"

    # No index of its own: the unique ones begin with it.
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="memberships", db_index=False
    )
    # Nor here: the one below begins with it.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships", db_index=False
    )
    role = models.CharField(max_length=6, choices=Role, default=Role.MEMBER)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveBigIntegerField(editable=False)
    read_seq = models.PositiveBigIntegerField(default=0)
    delivered_seq = models.PositiveBigIntegerField(default=0)
    #: How many of one's own messages come after `read_seq`; they are not unread.
    own_after_read = models.PositiveIntegerField(default=0, editable=False)
    muted_until = models.DateTimeField(null=True, blank=True)
    pinned = models.BooleanField(default=False)

    conversation_id: UUID
    user_id: UUID

    class Meta:
        constraints = (
            # Also serves: this person's membership in this conversation.
            models.UniqueConstraint(
                fields=("conversation", "user"), name="membership_once_per_person"
            ),
            # Also serves: members changed since a version (sync).
            models.UniqueConstraint(
                fields=("conversation", "version"), name="membership_version_unique"
            ),
            models.UniqueConstraint(
                fields=("conversation",),
                condition=Q(role="owner", left_at=None),
                name="membership_one_owner",
            ),
            models.CheckConstraint(
                name="membership_read_was_delivered",
                condition=Q(read_seq__lte=F("delivered_seq")),
            ),
        )
        indexes = (
            # Serves: the conversations of a person (hello, conversation list). With both columns,
            # and of those that have ended, too: so whichever index PostgreSQL takes to find one
            # membership, it finds it in a single step.
            models.Index(fields=("user", "conversation"), name="membership_of_user"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.conversation_id}"

    @property
    def may_manage(self) -> bool:
        """Add and remove members, rename, delete what others wrote."""
        return self.role in {self.Role.OWNER, self.Role.ADMIN}
