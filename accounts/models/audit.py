"""What happened to accounts and sessions, in a chain that shows whether anybody rewrote it."""

import hashlib
import json
from typing import Any, ClassVar, Final, NoReturn

from django.db import models

#: What the first event has where each later one has the digest of the one before.
BEGINNING: Final = "0" * 64


class AuditKind(models.TextChoices):
    """What happened. A new one needs no migration: the column holds any text."""

    REGISTERED = "registered", "registered"
    SIGNED_IN = "signed_in", "signed in"
    SIGN_IN_FAILED = "sign_in_failed", "sign-in refused"
    SIGNED_OUT = "signed_out", "signed out"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere", "signed out everywhere"
    SESSION_REVOKED = "session_revoked", "device signed out from another one"
    TOKEN_REUSED = "token_reused", "a used refresh token came back"
    PASSWORD_CHANGED = "password_changed", "password changed"
    PASSWORD_RESET = "password_reset", "password reset"
    TOTP_ENABLED = "totp_enabled", "second factor turned on"
    TOTP_DISABLED = "totp_disabled", "second factor turned off"
    RECOVERY_CODE_USED = "recovery_code_used", "recovery code used"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed", "recovery codes renewed"
    INVITED = "invited", "invited"
    IDENTITY_JOINED = "identity_joined", "joined by an account of a provider"
    IDENTITY_UNLINKED = "identity_unlinked", "account of a provider unlinked"
    SUSPENDED = "suspended", "suspended"
    REACTIVATED = "reactivated", "reactivated"
    POWERS_CHANGED = "powers_changed", "staff powers changed"
    ADMIN_SIGNED_IN = "admin_signed_in", "signed in to Django's pages"
    SESSION_LISTED = "session_listed", "session of before an upgrade listed"


class _AppendOnly(models.QuerySet[Any]):
    """Rows that are only ever added."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("Audit events are never changed.")

    def delete(self) -> NoReturn:
        raise TypeError("Audit events are never deleted.")


class AuditEvent(models.Model):
    """One event. ``digest`` covers every other column, ``previous`` among them.

    People are ids, not foreign keys: what happened stays when the person is gone. Written by
    `accounts.actions.audit.record` only.
    """

    #: The place in the chain, counted from 1 without gaps.
    number = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField()
    # No `choices`: an event of a newer version must stay readable, and a kind cost no migration.
    kind = models.CharField(max_length=40)
    user_id = models.UUIDField("user", null=True, help_text="Whom it happened to.")
    actor_id = models.UUIDField("actor", null=True, help_text="Who did it, where it wasn't they.")
    # As text: a column of addresses would change how one is written, and with that the digest.
    address = models.CharField(max_length=45, blank=True)
    detail = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    objects: ClassVar[models.Manager["AuditEvent"]] = models.Manager.from_queryset(_AppendOnly)()

    class Meta:
        ordering = ("-number",)
        indexes = (
            # What happened to one person, the newest first.
            models.Index(fields=("user_id", "-number"), name="audit_of_user"),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; raises ``TypeError`` for a row that exists."""
        if not self._state.adding:
            raise TypeError("Audit events are never changed.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Audit events are never deleted.")

    def expected_digest(self) -> str:
        """SHA-256 over all other columns, in hexadecimal."""
        content = [
            self.number,
            self.at.isoformat(timespec="microseconds"),
            self.kind,
            str(self.user_id or ""),
            str(self.actor_id or ""),
            self.address,
            self.detail,
            self.previous,
        ]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


class AuditHead(models.Model):
    """The end of the chain: one row, whose lock gives writers their turn.

    It also shows when the newest events are missing, which a chain by itself can't.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    number = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, default=BEGINNING)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="audit_has_one_head"),)

    def __str__(self) -> str:
        return f"{self.number} {self.digest}"
