"""What else proves who somebody is: second factors, invitations, registrations by e-mail."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts import names
from pneumatic.lib.ids import uuid7


class SecondFactor(models.Model):
    """The secret that someone's authenticator app shares with us.

    It counts once it was confirmed with a code; then the user's ``second_factor_at`` is set too.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="second_factor",
    )
    secret = models.CharField(max_length=255, editable=False, help_text="Encrypted.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: The time step of the newest code that was used: it and those before it are used up.
    last_step = models.BigIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"


class RecoveryCode(models.Model):
    """A code on paper, good once, in the place of an authenticator that was lost."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="recovery_codes",
        db_index=False,
    )
    digest = models.CharField(max_length=64, editable=False)
    used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = (
            # Its index finds a code, and all of a person's.
            models.UniqueConstraint(fields=("user", "digest"), name="recovery_code_unique"),
        )

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class Invitation(models.Model):
    """Lets one person register. Only a digest of its code is stored."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    email = models.EmailField(
        "e-mail",
        max_length=names.EMAIL_MAX,
        blank=True,
        help_text="Only whoever registers with this address may use it. Empty: anyone.",
    )
    note = models.CharField(max_length=200, blank=True, help_text="For the staff: whom it is for.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True, editable=False)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.note or self.email or f"invitation of {self.created_at:%Y-%m-%d}"


class PendingRegistration(models.Model):
    """Someone who wants an account, and has yet to open the link that went to their address.

    It reserves nothing: a name that it held would tell whether its address has an account.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(max_length=names.USERNAME_MAX)
    email = models.EmailField("e-mail", max_length=names.EMAIL_MAX)
    display_name = models.CharField(max_length=names.DISPLAY_NAME_MAX)
    password = models.CharField(max_length=128, editable=False)
    invitation = models.ForeignKey(
        Invitation, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Indexed for the dropping of what nobody confirmed.
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.username
