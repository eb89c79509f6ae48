"""What tests of registration share."""

import re
from typing import Any

from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from accounts import mail
from accounts.tests.password import PASSWORD

REGISTER, VERIFY = "/api/v1/auth/register/", "/api/v1/auth/email/verify/"
CAROL = {"username": "carol", "email": "carol@example.org", "password": PASSWORD}


def register(committed: DjangoCaptureOnCommitCallbacks, **change: str) -> Any:
    """Carol asks for an account, and her mail is sent; the answer."""
    with committed(execute=True):
        answer = APIClient().post(REGISTER, {**CAROL, **change})
    mail.drain()
    return answer


def token_in(message: Any, page: str = "verify") -> str:
    """The secret of the link in a mail."""
    found = re.search(rf"https://chat\.example\.org/{page}#(\S+)", message.body)
    assert found, message.body
    return found[1]
