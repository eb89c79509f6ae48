"""Newcomers open a link first, and nobody learns who has an account: rows 7 and 9."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail as outgoing
from pytest_django import DjangoCaptureOnCommitCallbacks as Committed
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import actions, links, queries
from accounts.authentication import authenticate_token
from accounts.models import PendingRegistration, User
from accounts.tests.joining import VERIFY, register, token_in
from accounts.tests.password import PASSWORD


def test_a_newcomer_has_an_account_after_the_link_was_opened(
    verified: None, committed: Committed, anyone: APIClient
) -> None:
    answer = register(committed, display_name="Carol W")
    assert (answer.status_code, answer.content) == (202, b"")
    assert not User.objects.exists()
    (message,) = outgoing.outbox
    assert message.to == ["carol@example.org"]
    assert PASSWORD not in message.body

    done = anyone.post(VERIFY, {"token": token_in(message), "password": PASSWORD})
    assert done.status_code == 201
    user = authenticate_token(done.json()["access"]).user
    assert (user.username, user.display_name) == ("carol", "Carol W")
    assert not PendingRegistration.objects.exists()


def test_registering_answers_alike_whether_or_not_the_address_has_an_account(
    verified: None, alice: User, committed: Committed, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    hasher = "accounts.actions.registration.make_password"

    def counted(text: str) -> str:
        hashed.append(text)
        return "!hash"

    monkeypatch.setattr(hasher, counted)
    rows = []
    answers = []
    for email in ("nobody@example.org", "ALICE@example.org"):
        answers.append(register(committed, email=email))
        rows.append(PendingRegistration.objects.count())

    one, other = answers
    assert (one.status_code, one.content) == (other.status_code, other.content) == (202, b"")
    assert set(one.headers) == set(other.headers)
    assert len(hashed) == 2, "the same work"
    assert rows == [1, 2], "the same writes"
    free, taken = outgoing.outbox
    assert (free.to, taken.to) == (["nobody@example.org"], ["alice@example.org"])
    assert "has an account already" in taken.body
    assert "#" not in taken.body
    assert User.objects.count() == 1


def test_a_name_that_was_asked_for_does_not_tell_what_became_of_the_address(
    verified: None, alice: User, committed: Committed
) -> None:
    for email in ("nobody@example.org", "alice@example.org"):
        assert register(committed, email=email, username="probe").status_code == 202
        again = register(committed, email="other@example.org", username="probe")
        assert again.status_code == 202
    assert not queries.search_people("probe", asking=alice)


def test_a_taken_username_is_told_because_usernames_are_public(
    verified: None, alice: User, committed: Committed
) -> None:
    answer = register(committed, username="ALICE")

    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"username"})


def test_the_link_alone_is_not_enough(
    verified: None, committed: Committed, anyone: APIClient
) -> None:
    """Else one could register with another's address and know the password of what they open."""
    register(committed)
    token = token_in(outgoing.outbox[0])

    wrong = [anyone.post(VERIFY, {"token": token, "password": f"guess {n}"}) for n in range(9)]
    assert set(wrong[0].json()["errors"]) == {"password"}
    assert 429 in [each.status_code for each in wrong]
    assert not User.objects.exists()


def test_a_verification_link_is_dead_after_use(
    verified: None, committed: Committed, anyone: APIClient
) -> None:
    register(committed)
    register(committed)
    first, second = (token_in(message) for message in outgoing.outbox)
    assert anyone.post(VERIFY, {"token": second, "password": PASSWORD}).status_code == 201

    for token in (first, second):
        again = anyone.post(VERIFY, {"token": token, "password": PASSWORD})
        assert (again.status_code, set(again.json()["errors"])) == (400, {"token"})
    assert User.objects.count() == 1


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "-" * 200, "é"])
def test_a_forged_verification_link_is_refused(
    verified: None, anyone: APIClient, token: str
) -> None:
    answer = anyone.post(VERIFY, {"token": token, "password": PASSWORD})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"token"})


def test_a_verification_link_lasts_a_day(
    verified: None, committed: Committed, anyone: APIClient
) -> None:
    register(committed)
    token = token_in(outgoing.outbox[0])

    with time_machine.travel(datetime.now(UTC) + timedelta(hours=24, minutes=1), tick=False):
        answer = anyone.post(VERIFY, {"token": token, "password": PASSWORD})
        assert set(answer.json()["errors"]) == {"token"}
        register(committed, username="dora", email="dora@example.org")
    assert PendingRegistration.objects.get().username == "dora", "the old one was dropped"


def test_a_reset_link_verifies_nothing_and_the_reverse(
    verified: None, alice: User, committed: Committed, anyone: APIClient
) -> None:
    register(committed)
    verify, reset = token_in(outgoing.outbox[0]), links.reset_token(alice)

    assert anyone.post(VERIFY, {"token": reset, "password": PASSWORD}).status_code == 400
    body = {"token": verify, "new_password": "nine yellow lanterns"}
    assert anyone.post("/api/v1/auth/password/reset/confirm/", body).status_code == 400


def test_who_lost_the_name_meanwhile_chooses_another(
    verified: None, committed: Committed, anyone: APIClient
) -> None:
    register(committed)
    User.objects.create_user("carol", "another@example.org", PASSWORD)
    body = {"token": token_in(outgoing.outbox[0]), "password": PASSWORD}

    assert set(anyone.post(VERIFY, body).json()["errors"]) == {"username"}
    assert anyone.post(VERIFY, {**body, "username": "carol.w"}).status_code == 201


def test_an_address_that_was_taken_meanwhile_makes_the_link_dead(
    verified: None, committed: Committed, anyone: APIClient
) -> None:
    register(committed)
    User.objects.create_user("another", "carol@example.org", PASSWORD)
    body = {"token": token_in(outgoing.outbox[0]), "password": PASSWORD}

    assert set(anyone.post(VERIFY, body).json()["errors"]) == {"token"}


def test_nobodys_mailbox_is_filled(verified: None, committed: Committed) -> None:
    statuses = {register(committed).status_code for _ in range(10)}

    assert statuses == {202}
    assert len(outgoing.outbox) == 4


@pytest.mark.parametrize(
    ("mode", "status"), [("open", 201), ("domain", 400), ("invitation", 403), ("closed", 403)]
)
def test_a_link_that_is_opened_after_the_door_was_closed_opens_nothing(
    verified: None,
    committed: Committed,
    anyone: APIClient,
    settings: Settings,
    mode: str,
    status: int,
) -> None:
    register(committed)
    settings.REGISTRATION, settings.REGISTRATION_DOMAINS = mode, ["example.net"]
    body = {"token": token_in(outgoing.outbox[0]), "password": PASSWORD}

    answer = anyone.post(VERIFY, body)

    assert answer.status_code == status, answer.content
    assert User.objects.exists() is (status == 201)
    if mode == "domain":
        assert set(answer.json()["errors"]) == {"token"}
    settings.REGISTRATION = "open"
    assert status == 201 or anyone.post(VERIFY, body).status_code == 201, "the link itself lives"


def test_who_was_invited_finishes_unless_the_door_is_closed_to_all(
    verified: None, committed: Committed, anyone: APIClient, settings: Settings
) -> None:
    settings.REGISTRATION = "invitation"
    code = actions.invite(created_by=None)[1].partition("#")[2]
    register(committed, invitation=code)
    body = {"token": token_in(outgoing.outbox[0]), "password": PASSWORD}

    settings.REGISTRATION = "closed"
    assert anyone.post(VERIFY, body).status_code == 403
    settings.REGISTRATION, settings.REGISTRATION_DOMAINS = "domain", ["example.net"]
    assert anyone.post(VERIFY, body).status_code == 201
