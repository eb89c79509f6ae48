"""What the doors behind links in e-mail take."""

from rest_framework import serializers

from accounts import names
from accounts.api.serializers import PasswordField, SignsIn
from accounts.links import TOKEN_MAX
from pneumatic.lib.http.serializers import StrictSerializer, TextField


class VerifySerializer(SignsIn):
    """The link's token, and the password that was chosen at registration."""

    token = TextField(max_length=TOKEN_MAX)
    password = PasswordField()
    username = TextField(
        max_length=names.USERNAME_MAX,
        required=False,
        allow_blank=True,
        default="",
        help_text="Another one, where the chosen one was taken meanwhile.",
    )


class RequestResetSerializer(StrictSerializer):
    """Whose password it is."""

    email = serializers.EmailField(max_length=names.EMAIL_MAX)


class ResetSerializer(StrictSerializer):
    """The link's token, and the new password."""

    token = TextField(max_length=TOKEN_MAX)
    new_password = PasswordField()
