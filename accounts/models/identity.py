"""By which name a provider of identities knows one of our people."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from pneumatic.lib.ids import uuid7

#: OpenID Connect Core, 2, on `sub`: "MUST NOT exceed 255 ASCII characters in length".
SUBJECT_MAX = 255
ISSUER_MAX = 255


class Identity(models.Model):
    """One account at a provider, which signs in one person here.

    The pair of issuer and subject is the only thing that a provider never gives to somebody else;
    names and e-mail addresses change hands.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities"
    )
    issuer = models.CharField(max_length=ISSUER_MAX)
    subject = models.CharField(max_length=SUBJECT_MAX)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("created_at", "id")
        verbose_name_plural = "identities"
        constraints = (
            # Its index serves each sign-in.
            models.UniqueConstraint(fields=("issuer", "subject"), name="identity_unique"),
            models.CheckConstraint(
                condition=~models.Q(issuer="") & ~models.Q(subject=""), name="identity_not_empty"
            ),
        )

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
