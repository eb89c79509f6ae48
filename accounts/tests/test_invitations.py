"""Invitations: one person each, and they tell nothing of accounts: row 7."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail as outgoing
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks as Committed
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import actions, mail
from accounts.models import Invitation, Session, User
from accounts.tests.joining import CAROL, REGISTER, VERIFY, register, token_in
from accounts.tests.password import PASSWORD


def test_an_invitation_lets_one_person_in(db: None, anyone: APIClient, settings: Settings) -> None:
    settings.REGISTRATION = "invitation"
    invitation, link = actions.invite(created_by=None)
    code = link.partition("#")[2]
    assert len(code) >= 22
    assert code not in str(list(Invitation.objects.values()))

    assert anyone.post(REGISTER, {**CAROL, "invitation": code}).status_code == 201
    invitation.refresh_from_db()
    assert invitation.used_by == User.objects.get()
    dora = {"username": "dora", "email": "dora@example.org", "password": PASSWORD}
    assert anyone.post(REGISTER, {**dora, "invitation": code}).status_code == 403
    assert Session.objects.count() == User.objects.count() == 1


def test_invitations_that_are_not_good_sound_alike_and_tell_nothing_of_accounts(
    alice: User, anyone: APIClient, settings: Settings
) -> None:
    settings.REGISTRATION = "invitation"
    made = {
        name: actions.invite(created_by=alice, email=email)
        for name, email in (("revoked", ""), ("other", "other@example.org"), ("old", ""))
    }
    actions.revoke_invitation(invitation=made["revoked"][0])
    Invitation.objects.filter(pk=made["old"][0].pk).update(
        expires_at=datetime.now(UTC) - timedelta(seconds=1)
    )
    codes = ["", "unknown", *(link.partition("#")[2] for _, link in made.values())]

    answers = [
        anyone.post(REGISTER, {**CAROL, **taken, "invitation": code})
        for code in codes
        for taken in ({}, {"email": "alice@example.org", "username": "alice"})
    ]
    bodies = [{**each.json(), "request_id": None} for each in answers]
    assert all(body == bodies[0] for body in bodies)
    assert {each.status_code for each in answers} == {403}


def test_an_invitation_for_an_address_is_good_for_that_address(
    verified: None, settings: Settings, committed: Committed, anyone: APIClient
) -> None:
    settings.REGISTRATION = "invitation"
    with committed(execute=True):
        invitation, link = actions.invite(created_by=None, email="Carol@example.org")
    mail.drain()
    code = token_in(outgoing.outbox[0], "register")
    assert link.endswith(f"/register#{code}")

    assert register(committed, invitation=code).status_code == 202
    invitation.refresh_from_db()
    assert invitation.used_at is None, "not before the link was opened"
    body = {"token": token_in(outgoing.outbox[1]), "password": PASSWORD}
    assert anyone.post(VERIFY, body).status_code == 201
    invitation.refresh_from_db()
    assert invitation.used_at is not None


def test_of_two_who_verify_with_one_invitation_one_gets_an_account(
    verified: None, settings: Settings, committed: Committed, anyone: APIClient
) -> None:
    settings.REGISTRATION = "invitation"
    code = actions.invite(created_by=None)[1].partition("#")[2]
    register(committed, invitation=code)
    register(committed, invitation=code, username="dora", email="dora@example.org")
    tokens = [token_in(message) for message in outgoing.outbox]

    statuses = [
        anyone.post(VERIFY, {"token": token, "password": PASSWORD}).status_code for token in tokens
    ]
    assert statuses == [201, 403]
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_come_at_once_with_one_invitation_one_gets_an_account(
    settings: Settings,
) -> None:
    """A code is good for one person, however many of its friends press the button together."""
    settings.REGISTRATION = "invitation"
    code = actions.invite(created_by=None)[1].partition("#")[2]
    together = threading.Barrier(20)

    def come(number: int) -> int:
        person = {"username": f"dora{number}", "email": f"dora{number}@example.org"}
        together.wait(20)
        try:
            body = {**person, "password": PASSWORD, "invitation": code}
            return APIClient().post(REGISTER, body).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(come, range(20)))

    assert statuses == [201] + [403] * 19
    assert User.objects.count() == Session.objects.count() == 1
    assert Invitation.objects.get().used_by == User.objects.get()


def test_the_command_prints_a_link_that_works(
    db: None, anyone: APIClient, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.REGISTRATION, settings.PUBLIC_URL = "invitation", "https://chat.example.org"
    call_command("invite", note="for Carol")
    link = capsys.readouterr().out.strip()

    assert link.startswith("https://chat.example.org/register#")
    code = link.partition("#")[2]
    assert anyone.post(REGISTER, {**CAROL, "invitation": code}).status_code == 201
    for options in ({"days": 0}, {"days": 400}, {"email": "nowhere"}):
        with pytest.raises(CommandError):
            call_command("invite", **options)


def test_the_staff_makes_and_revokes_invitations_in_the_admin(
    db: None, anyone: APIClient, settings: Settings
) -> None:
    settings.REGISTRATION = "invitation"
    office = Client()
    office.force_login(User.objects.create_superuser("root", "root@example.org", PASSWORD))

    add = reverse("admin:accounts_invitation_add")
    assert office.get(add).status_code == 200
    page = office.post(add, {"email": "", "note": "Carol", "days": "3"}, follow=True)
    shown = re.search(r"/register#([\w-]+)", page.content.decode())
    assert shown
    invitation = Invitation.objects.get()
    assert invitation.created_by == User.objects.get(username="root")
    assert (
        office.get(reverse("admin:accounts_invitation_change", args=[invitation.pk])).status_code
        == 200
    )
    again = office.get(reverse("admin:accounts_invitation_changelist"))
    assert shown[1] not in again.content.decode()

    rows = {"action": "revoke", "_selected_action": [str(invitation.pk)]}
    office.post(reverse("admin:accounts_invitation_changelist"), rows)
    body = {**CAROL, "invitation": shown[1]}
    assert anyone.post(REGISTER, body).status_code == 403
