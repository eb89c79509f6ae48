"""A person, and each device on which that person is signed in."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts import names
from accounts.identity import Identity as Identity
from pneumatic.lib.ids import uuid7


class UserManager(BaseUserManager["User"]):
    """Makes users, and finds them by name whatever the case."""

    def create_user(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        """Save a new user; without ``password`` nobody can sign in as them.

        Raises ``ValidationError`` when a field is malformed or the name or address is taken.
        """
        user = self.model(username=username, email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.full_clean()
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        """As :meth:`create_user`, for someone who may do everything in the admin."""
        return self.create_user(
            username, email, password, **{**fields, "is_staff": True, "is_superuser": True}
        )

    def get_by_natural_key(self, username: str | None) -> "User":
        # LOWER on both sides, so that the unique index serves it; `iexact` would use UPPER.
        return self.alias(name_key=Lower("username")).get(name_key=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who may sign in. Suspended people have ``is_active`` false; nobody is deleted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(
        max_length=names.USERNAME_MAX,
        validators=[names.validate_username],
        help_text="3 to 32 letters, digits, dots, hyphens or underscores.",
    )
    email = models.EmailField("e-mail", max_length=names.EMAIL_MAX)
    display_name = models.CharField(
        max_length=names.DISPLAY_NAME_MAX,
        blank=True,
        help_text="Shown to others; the username when left empty.",
    )
    is_active = models.BooleanField(
        "active", default=True, help_text="Off: suspended, signed out everywhere, kept out."
    )
    is_staff = models.BooleanField("staff", default=False, help_text="May open the admin.")
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        ordering = ("username",)
        constraints = (
            # One person a name and an address, whatever the case; their indexes serve
            # sign-in. The search for people reads the table through.
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_unique",
                violation_error_message="This username is taken.",
            ),
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message="This e-mail address is taken.",
            ),
        )

    def __str__(self) -> str:
        return self.username

    def clean(self) -> None:
        """Bring the names into their stored form; an empty display name becomes the username."""
        self.username = self.normalize_username(self.username)
        self.email = type(self).objects.normalize_email(self.email)
        try:
            self.display_name = names.clean_display_name(self.display_name) or self.username
        except ValidationError as error:
            raise ValidationError({"display_name": error.messages}) from None

    def get_full_name(self) -> str:
        return self.display_name or self.username

    def get_short_name(self) -> str:
        return self.get_full_name()


class RevokedReason(models.TextChoices):
    """Why a session ended before its time."""

    SIGNED_OUT = "signed_out", "signed out"
    SIGNED_OUT_ELSEWHERE = "signed_out_elsewhere", "signed out from another device"
    PASSWORD_CHANGED = "password_changed", "password changed"
    SUSPENDED = "suspended", "account suspended"
    TOKEN_REUSED = "token_reused", "a used refresh token came back"


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
