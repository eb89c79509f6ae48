"""Messages and who is mentioned in them."""

import hashlib
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q

from chat import limits
from chat.models.conversation import Conversation


class Message(models.Model):
    """One message; its id is the UUID that its sender's device gave it.

    A deleted message stays as a tombstone: its body goes, its place and its new version remain,
    so that deletions reach every device the way everything else does.
    """

    class Kind(models.TextChoices):
        TEXT = "text"
        SYSTEM = "system"

    id = models.UUIDField(primary_key=True)
    conversation = models.ForeignKey(
        # No index of its own: the unique ones begin with it.
        Conversation,
        models.CASCADE,
        related_name="messages",
        db_index=False,
    )
    seq = models.PositiveBigIntegerField(editable=False)
    version = models.PositiveBigIntegerField(editable=False)
    # No index of its own: nothing asks for all that somebody wrote, anywhere.
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="messages",
        db_index=False,
    )
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.TEXT)
    body = models.TextField(max_length=limits.BODY_CHARS, blank=True)
    reply_to = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    #: Ids of the members that the body mentions; `Mention` has them again, to count unread ones.
    mentioned = models.JSONField(default=list, editable=False)
    #: What was first sent, hashed: tells a repeat from a clash even after an edit or deletion.
    fingerprint = models.BinaryField(max_length=16, editable=False)
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    pinned_at = models.DateTimeField(null=True, blank=True)

    conversation_id: UUID
    sender_id: UUID | None
    reply_to_id: UUID | None

    class Meta:
        constraints = (
            # Also serves: pages of history, in both directions, and the newest page of a reset.
            models.UniqueConstraint(fields=("conversation", "seq"), name="message_seq_unique"),
            # Also serves: messages changed since a version (sync).
            models.UniqueConstraint(
                fields=("conversation", "version"), name="message_version_unique"
            ),
            models.CheckConstraint(
                name="message_seq_within_version",
                condition=Q(seq__gte=1) & Q(version__gte=models.F("seq")),
            ),
            models.CheckConstraint(
                name="message_deleted_has_no_body", condition=Q(deleted_at=None) | Q(body="")
            ),
        )
        indexes = (
            # Serves: the foreign key, where an operator deletes messages for good. Of those that
            # are replies only: most are none, and cost nothing here.
            models.Index(
                fields=("reply_to",), condition=Q(reply_to__isnull=False), name="message_replies"
            ),
        )

    def __str__(self) -> str:
        return f"message {self.seq} of {self.conversation_id}"

    @staticmethod
    def fingerprint_of(message_id: UUID, body: str, reply_to: UUID | None) -> bytes:
        """What identifies the content that came with `message_id` when it was first sent."""
        text = f"{reply_to or ''}\n{body}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=16, key=message_id.bytes).digest()


class Mention(models.Model):
    """A person named in a message with `@username`."""

    # None has an index of its own: those below begin with the first two, and nothing asks for all
    # mentions of a conversation.
    message = models.ForeignKey(Message, models.CASCADE, related_name="mentions", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="mentions", db_index=False
    )
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+", db_index=False)
    seq = models.PositiveBigIntegerField(editable=False)

    user_id: UUID

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("message", "user"), name="mention_once_per_message"),
        )
        indexes = (
            # Serves: how often a person is mentioned after what they have read.
            models.Index(fields=("user", "conversation", "seq"), name="mention_unread"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in message {self.seq} of {self.conversation_id}"
