"""Each device on which somebody is signed in."""

from django.db import models
from django.utils import timezone

from accounts.models.user import User
from pneumatic.lib.ids import uuid7


class RevokedReason(models.TextChoices):
    """Why a session ended before its time."""

    SIGNED_OUT = "signed_out", "signed out"
    SIGNED_OUT_ELSEWHERE = "signed_out_elsewhere", "signed out from another device"
    PASSWORD_CHANGED = "password_changed", "password changed"
    SUSPENDED = "suspended", "account suspended"
    TOKEN_REUSED = "token_reused", "a used refresh token came back"
    SECOND_FACTOR_CHANGED = "second_factor_changed", "second factor changed"


class Session(models.Model):
    """One device on which someone is signed in, from sign-in to sign-out.

    Its refresh tokens form one family: only the newest is valid. The row knows that one by its
    ``refresh_jti`` and can encode it again; no token is ever stored.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="sessions", db_index=False
    )
    device = models.CharField(max_length=80, help_text="A name for people, such as “Firefox”.")
    user_agent = models.CharField(max_length=300, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(help_text="When the whole family of tokens ends.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=24, choices=RevokedReason.choices, blank=True)
    refresh_jti = models.CharField(max_length=36, editable=False)
    previous_jti = models.CharField(max_length=36, blank=True, editable=False)
    rotated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-last_used_at", "-id")
        indexes = (
            # A person's devices, and ending all of them at once.
            models.Index(fields=("user", "revoked_at"), name="session_of_user"),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(revoked_at__isnull=True, revoked_reason="")
                | models.Q(revoked_at__isnull=False, revoked_reason__in=RevokedReason.values),
                name="session_revoked_with_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")),
                name="session_ends_after_start",
            ),
            models.CheckConstraint(
                condition=~models.Q(refresh_jti="")
                & ~models.Q(refresh_jti=models.F("previous_jti")),
                name="session_tokens_differ",
            ),
        )

    def __str__(self) -> str:
        return self.device
