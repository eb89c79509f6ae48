"""What the doors of second factors take and give."""

from rest_framework import serializers

from accounts import names
from accounts.api.serializers import PasswordField, SignedInSerializer, SignsIn
from accounts.totp import CODE_MAX
from pneumatic.lib.http.serializers import StrictSerializer, TextField


class PasswordSerializer(StrictSerializer):
    """Asked for, so that an open laptop is not enough."""

    password = PasswordField()


class CodeSerializer(StrictSerializer):
    """Six digits of the authenticator app; spaces don't matter."""

    code = TextField(max_length=CODE_MAX)


class PasswordAndCodeSerializer(PasswordSerializer):
    """Both factors; the code may be a recovery code."""

    code = TextField(max_length=CODE_MAX, help_text="Of the app, or a recovery code.")


class SetupSerializer(PasswordSerializer):
    """Someone who may not sign in without a second factor."""

    username = TextField(max_length=names.EMAIL_MAX, help_text="Or the e-mail address.")


class FinishSetupSerializer(SignsIn):
    """The same, with the first code."""

    username = TextField(max_length=names.EMAIL_MAX, help_text="Or the e-mail address.")
    password = PasswordField()
    code = TextField(max_length=CODE_MAX)


class SecondFactorSerializer(StrictSerializer):
    """The state of one's second factor."""

    enabled = serializers.BooleanField()
    since = serializers.DateTimeField(allow_null=True)
    recovery_codes_left = serializers.IntegerField()


class EnrolmentSerializer(StrictSerializer):
    """What an authenticator app needs; shown once."""

    secret = serializers.CharField(help_text="In base32, to type in.")
    uri = serializers.CharField(help_text="otpauth://…")
    qr = serializers.CharField(help_text="`uri` as a QR code: an SVG in a data: address.")


class RecoveryCodesSerializer(StrictSerializer):
    """Each is good once; shown once."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


class SignedInWithCodesSerializer(SignedInSerializer):
    """Signed in, with the recovery codes of the new second factor."""

    recovery_codes = serializers.ListField(child=serializers.CharField())
