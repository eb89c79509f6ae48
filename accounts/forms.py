"""The sign-in form of Django's own pages: the administration and the browsable API."""

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from accounts.errors import SecondFactorRequired, SecondFactorSetupRequired
from accounts.totp import CODE_MAX
from pneumatic.lib.errors import ProblemError


class _Unremembered(forms.TextInput):
    """A field that is empty when the form comes back: a code that was refused may still be good."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class SignInForm(AuthenticationForm):
    """Name, password and, where one is used, the code; refused for the reasons REST refuses."""

    code = forms.CharField(
        label="Code of your authenticator app",
        required=False,
        max_length=CODE_MAX,
        widget=_Unremembered(attrs={"autocomplete": "one-time-code", "inputmode": "text"}),
    )

    def clean(self) -> dict[str, Any]:
        # Django's own clean() hands on the name and password only.
        given = self.cleaned_data
        if given.get("username") is None or not given.get("password"):
            return given
        try:
            self.user_cache = authenticate(
                self.request,
                username=given["username"],
                password=given["password"],
                code=given.get("code", ""),
            )
        except SecondFactorRequired as error:
            raise ValidationError({"code": error.fields.get("code", [error.title])}) from error
        except SecondFactorSetupRequired as error:
            raise ValidationError(
                f"{error.title} Sign in to the chat once: it leads you through."
            ) from error
        except ProblemError as error:
            raise ValidationError(_with_wait(error)) from error
        if self.user_cache is None:
            raise self.get_invalid_login_error()
        self.confirm_login_allowed(self.user_cache)
        return given


class StaffSignInForm(SignInForm):
    """The same, for the administration: only staff comes in."""

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if not user.is_staff:
            # As if the password were wrong: who is staff is nobody's business.
            raise self.get_invalid_login_error()


def _with_wait(error: ProblemError) -> str:
    if error.retry_after is None:
        return error.detail
    return f"{error.detail} Try again in {max(1, round(error.retry_after))} s."
