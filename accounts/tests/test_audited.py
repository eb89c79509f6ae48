"""What changes who may come in leaves its line in the audit trail, with who did it and where."""

from datetime import UTC, datetime

import pyotp
import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts import actions, links, totp
from accounts.models import AuditEvent, SecondFactor, User
from accounts.tests.conftest import PASSWORD

NEW = "nine blue candles"
HERE = "192.0.2.7"


def told() -> list[tuple[str, str | None, str | None, str]]:
    """Kind, whom, by whom and where, the oldest first."""
    names = dict(User.objects.values_list("id", "username"))
    return [
        (
            each.kind,
            names.get(each.user_id) if each.user_id else None,
            names.get(each.actor_id) if each.actor_id else None,
            each.address,
        )
        for each in AuditEvent.objects.order_by("number")
    ]


@pytest.mark.django_db
def test_registering_and_signing_in(anyone: APIClient) -> None:
    body = {"username": "carol", "email": "carol@example.org", "password": PASSWORD}
    answer = anyone.post("/api/v1/auth/register/", body, format="json", REMOTE_ADDR=HERE)
    assert answer.status_code == 201
    assert told() == [("registered", "carol", None, HERE), ("signed_in", "carol", None, HERE)]


def test_a_password_changed_or_reset(alice: User) -> None:
    actions.change_password(user=alice, old=PASSWORD, new=NEW, address=HERE)
    actions.reset_password(token=links.reset_token(alice), new=PASSWORD, address=HERE)
    assert told() == [
        ("password_changed", "alice", None, HERE),
        ("password_reset", "alice", None, HERE),
    ]


def test_a_second_factor_and_its_recovery_codes(alice: User) -> None:
    with time_machine.travel(datetime(2026, 3, 12, 12, 0, 15, tzinfo=UTC), tick=False) as clock:

        def code() -> str:
            clock.shift(totp.STEP_SECONDS)
            secret = totp.decrypted(SecondFactor.objects.get(user=alice).secret)
            return pyotp.TOTP(secret).at(datetime.now(UTC))

        actions.begin_second_factor(user=alice, password=PASSWORD)
        actions.confirm_second_factor(user=alice, code=code(), address=HERE)
        (first, *_) = actions.renew_recovery_codes(
            user=alice, password=PASSWORD, code=code(), address=HERE
        )
        actions.disable_second_factor(user=alice, password=PASSWORD, code=first, address=HERE)
    assert told() == [
        ("totp_enabled", "alice", None, HERE),
        ("recovery_codes_renewed", "alice", None, HERE),
        ("recovery_code_used", "alice", None, HERE),
        ("totp_disabled", "alice", None, HERE),
    ]


def test_an_invitation_names_who_made_it_and_not_for_whom(alice: User) -> None:
    invitation, _ = actions.invite(created_by=alice, email="carol@example.org", address=HERE)
    assert told() == [("invited", None, "alice", HERE)]
    assert AuditEvent.objects.get().detail == {"invitation": str(invitation.pk)}


def test_what_the_staff_does_to_somebody_names_the_staff(alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="change_user"))
    office = Client(REMOTE_ADDR=HERE)
    entry = {"username": bob.username, "password": PASSWORD}
    assert office.post(reverse("admin:login"), entry).status_code == 302
    address = reverse("admin:auth_user_password_change", args=(alice.pk,))
    form = {"usable_password": "true", "password1": NEW, "password2": NEW}
    assert office.post(address, form).status_code == 302
    assert told() == [
        ("admin_signed_in", "Bob", None, HERE),
        ("password_changed", "alice", "Bob", HERE),
    ]
