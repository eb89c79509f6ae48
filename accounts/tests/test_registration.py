"""Who may join, and that joining tells nobody who has an account: rows 7 and 9."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail as outgoing
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from rest_framework.test import APIClient

from accounts import actions, links, mail, queries
from accounts.authentication import authenticate_token
from accounts.models import Invitation, PendingRegistration, Session, User
from accounts.tests.conftest import PASSWORD

REGISTER, VERIFY = "/api/v1/auth/register/", "/api/v1/auth/email/verify/"
CAROL = {"username": "carol", "email": "carol@example.org", "password": PASSWORD}

Committed = DjangoCaptureOnCommitCallbacks


@pytest.fixture
def verified(settings: Settings, db: None) -> None:
    settings.MAIL_ON = settings.EMAIL_VERIFICATION = True
    settings.PUBLIC_URL = "https://chat.example.org"


def register(committed: Committed, **change: str) -> Any:
    with committed(execute=True):
        answer = APIClient().post(REGISTER, {**CAROL, **change})
    mail.drain()
    return answer


def token_in(message: Any, page: str = "verify") -> str:
    found = re.search(rf"https://chat\.example\.org/{page}#(\S+)", message.body)
    assert found, message.body
    return found[1]


# --- With verification ---


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


def test_where_all_need_a_second_factor_a_newcomer_is_sent_to_set_one_up(
    db: None, anyone: APIClient, settings: Settings
) -> None:
    settings.REQUIRE_SECOND_FACTOR = "everyone"

    answer = anyone.post(REGISTER, CAROL)
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_setup_required")
    setup = {"username": "carol", "password": PASSWORD}
    assert anyone.post("/api/v1/auth/second-factor/setup/", setup).status_code == 201


# --- Who may register ---


def test_closed_means_closed(db: None, anyone: APIClient, settings: Settings) -> None:
    settings.REGISTRATION = "closed"
    _, link = actions.invite(created_by=None)
    code = link.partition("#")[2]

    for body in (CAROL, {**CAROL, "invitation": code}):
        answer = anyone.post(REGISTER, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert not User.objects.exists()


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


def test_a_domain_lets_its_own_people_in(
    verified: None, settings: Settings, committed: Committed
) -> None:
    settings.REGISTRATION, settings.REGISTRATION_DOMAINS = "domain", ["Example.org"]
    code = actions.invite(created_by=None)[1].partition("#")[2]

    assert register(committed, email="carol@EXAMPLE.org").status_code == 202
    for email in ("carol@example.org.evil.net", "carol@notexample.org", "carol@a.example.org"):
        refused = register(committed, email=email)
        assert (refused.status_code, set(refused.json()["errors"])) == (400, {"email"})
    guest = register(committed, email="carol@elsewhere.net", invitation=code)
    assert guest.status_code == 202


@pytest.mark.parametrize(
    "name", ["admin", "Admin", "root", "support", "sys.tem", "staff_1", "AD-MIN", "pneumatic.chat"]
)
def test_names_of_those_who_run_the_place_are_reserved(
    db: None, anyone: APIClient, name: str
) -> None:
    answer = anyone.post(REGISTER, {**CAROL, "username": name})

    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"username"})
    assert User.objects.create_superuser(name, "root@example.org", PASSWORD).username == name


@pytest.mark.parametrize("name", ["administrata", "rooty", "badmin", "supporter"])
def test_names_that_only_begin_like_them_are_free(db: None, anyone: APIClient, name: str) -> None:
    assert anyone.post(REGISTER, {**CAROL, "username": name}).status_code == 201


# --- Making invitations ---


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
