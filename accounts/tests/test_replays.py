"""A link that is good once is good once however many open it in the same moment: row 9."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import links
from accounts.models import AuditEvent, AuditKind, PendingRegistration, Session, User
from accounts.tests.joining import CAROL, REGISTER, VERIFY
from accounts.tests.password import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 8
CONFIRM = "/api/v1/auth/password/reset/confirm/"


def _together(ask: Callable[[int], int]) -> Counter[int]:
    """How often each status was answered to a crowd that asks at once."""
    barrier = threading.Barrier(CROWD)

    def one(number: int) -> int:
        barrier.wait(20)
        try:
            return ask(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CROWD) as pool:
        return Counter(pool.map(one, range(CROWD)))


def test_a_reset_link_sets_one_password(alice: User) -> None:
    token = links.reset_token(alice)
    new = [f"nine yellow lanterns {number}" for number in range(CROWD)]

    def confirm(number: int) -> int:
        body = {"token": token, "new_password": new[number]}
        return APIClient().post(CONFIRM, body).status_code

    statuses = _together(confirm)

    assert statuses[204] == 1
    assert set(statuses) <= {204, 400, 409}
    assert AuditEvent.objects.filter(kind=AuditKind.PASSWORD_RESET).count() == 1
    alice.refresh_from_db()
    assert sum(alice.check_password(each) for each in new) == 1


def test_a_verification_link_makes_one_account(settings: Settings) -> None:
    settings.MAIL_ON = settings.EMAIL_VERIFICATION = True
    assert APIClient().post(REGISTER, CAROL).status_code == 202
    body = {"token": links.verify_token(PendingRegistration.objects.get()), "password": PASSWORD}

    statuses = _together(lambda _: APIClient().post(VERIFY, body).status_code)

    assert statuses[201] == 1
    # Tries at one link's password are counted.
    assert set(statuses) <= {201, 400, 429}
    assert User.objects.count() == Session.objects.count() == 1
