"""What the doors of accounts take and give."""

from rest_framework import serializers

from accounts import names
from accounts.actions.invitations import CODE_MAX as INVITATION_MAX
from accounts.devices import DEVICE_MAX
from accounts.models import RevokedReason
from accounts.passwordrules import PASSWORD_MAX
from accounts.tokens import TOKEN_MAX
from accounts.totp import CODE_MAX
from pneumatic.lib.http.paging import PageQuery
from pneumatic.lib.http.serializers import StrictSerializer, TextField, WrittenField


class PasswordField(WrittenField):
    """Taken as it is, spaces and all."""

    def __init__(self) -> None:
        super().__init__(
            max_length=PASSWORD_MAX,
            trim_whitespace=False,
            write_only=True,
            style={"input_type": "password"},
        )


class SignsIn(StrictSerializer):
    """What every door that opens a session takes."""

    device = TextField(
        max_length=DEVICE_MAX,
        required=False,
        allow_blank=True,
        default="",
        help_text="A name for this device; guessed when left out.",
    )
    cookie = serializers.BooleanField(
        required=False,
        default=False,
        help_text="True: the refresh token comes as an HttpOnly cookie, not in the answer.",
    )


class RegisterSerializer(SignsIn):
    """A new account."""

    username = TextField(max_length=names.USERNAME_MAX, validators=[names.validate_username])
    email = serializers.EmailField(max_length=names.EMAIL_MAX)
    password = PasswordField()
    display_name = TextField(
        max_length=names.DISPLAY_NAME_MAX,
        required=False,
        allow_blank=True,
        default="",
        help_text="Shown to others; the username when left out.",
    )
    invitation = TextField(
        max_length=INVITATION_MAX,
        required=False,
        allow_blank=True,
        default="",
        help_text="The code of an invitation, where one is needed.",
    )


class SignInSerializer(SignsIn):
    """An account that exists."""

    username = TextField(max_length=names.EMAIL_MAX, help_text="Or the e-mail address.")
    password = PasswordField()
    code = TextField(
        max_length=CODE_MAX,
        required=False,
        allow_blank=True,
        default="",
        help_text="Of the authenticator app, or a recovery code; once it was asked for.",
    )


class RefreshSerializer(StrictSerializer):
    """The token, unless the cookie brings it."""

    refresh = TextField(
        max_length=TOKEN_MAX, required=False, help_text="Left out: the cookie is used."
    )


class SignOutEverywhereSerializer(StrictSerializer):
    """All devices, or all but this one."""

    keep_current = serializers.BooleanField(
        required=False, default=False, help_text="True: this device stays signed in."
    )


class ChangePasswordSerializer(StrictSerializer):
    """The old one is asked for, so that an open laptop is not enough."""

    old_password = PasswordField()
    new_password = PasswordField()


class UserSerializer(StrictSerializer):
    """What everyone may see of a person."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    avatar = serializers.URLField(allow_null=True)


class SignedInSerializer(StrictSerializer):
    """The answer to registering, signing in and refreshing."""

    access = serializers.CharField()
    refresh = serializers.CharField(required=False, help_text="Absent in cookie mode.")
    access_expires_at = serializers.DateTimeField()
    session = serializers.UUIDField()
    user = UserSerializer()


class SessionSerializer(StrictSerializer):
    """A device on which one is signed in."""

    id = serializers.UUIDField()
    device = serializers.CharField()
    user_agent = serializers.CharField()
    address = serializers.IPAddressField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    current = serializers.BooleanField(help_text="The device that asks.")
    ended_at = serializers.DateTimeField(
        allow_null=True, help_text="Null while one is signed in there."
    )
    ended_reason = serializers.ChoiceField(
        choices=RevokedReason.choices,
        allow_blank=True,
        help_text="`token_reused`: somebody may have copied what signs this device in.",
    )


class SessionsQuery(PageQuery):
    """Which devices."""

    ended = serializers.BooleanField(
        default=False, help_text="True: those that were signed out in the last 90 days, and why."
    )
