"""What tests of second factors share: the time, its codes, and signing in with one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
from rest_framework.test import APIClient

from accounts import totp
from accounts.models import SecondFactor, User
from accounts.tests.password import PASSWORD

TOKEN = "/api/v1/auth/token/"
FACTOR = "/api/v1/auth/second-factor/"
#: The middle of a step.
NOON = datetime(2026, 3, 12, 12, 0, 15, tzinfo=UTC)
STEP = timedelta(seconds=totp.STEP_SECONDS)


def code_of(user: User, at: datetime | None = None) -> str:
    """What the user's authenticator shows now, or then."""
    secret = totp.decrypted(SecondFactor.objects.get(user=user).secret)
    return pyotp.TOTP(secret).at(at or datetime.now(UTC))


def sign_in(client: APIClient, **more: str) -> Any:
    return client.post(TOKEN, {"username": "alice", "password": PASSWORD, **more}, format="json")


def wants_a_code(answer: Any) -> bool:
    return bool(answer.status_code == 401 and answer.json()["code"] == "second_factor_required")
