"""A person who may sign in."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import names
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
    # Part of what Django's own sessions (the administration, the browsable API) are bound to.
    session_stamp = models.UUIDField(default=uuid.uuid4, editable=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    #: As that of the confirmed second factor, here for every door to see without a query.
    second_factor_at = models.DateTimeField(
        "second factor since", null=True, blank=True, editable=False
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        ordering = ("username",)
        constraints = (
            # One person a name and an address, whatever the case; their indexes serve
            # sign-in. Those of the search for people are PostgreSQL's only: migration 0002.
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

    @property
    def lacks_second_factor(self) -> bool:
        """Whether REQUIRE_SECOND_FACTOR keeps this person out until they have one."""
        if self.second_factor_at is not None:
            return False
        match settings.REQUIRE_SECOND_FACTOR:
            case "everyone":
                return True
            case "staff":
                return self.is_staff or self.is_superuser
        return False

    def renew_session_stamp(self) -> None:
        """End Django's own sessions of this person, wherever they are; saves that one column."""
        self.session_stamp = uuid.uuid4()
        self.save(update_fields=["session_stamp"])

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        # Django's own covers the password only; a session that was begun without the second
        # factor is not kept either.
        bound_to = f"{self.session_stamp}{self.password}{self.second_factor_at or ''}"
        return salted_hmac(
            "accounts.User.session", bound_to, secret=secret, algorithm="sha256"
        ).hexdigest()

    def get_full_name(self) -> str:
        return self.display_name or self.username

    def get_short_name(self) -> str:
        return self.get_full_name()
