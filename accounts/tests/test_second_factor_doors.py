"""Row 10: no door goes around a second factor, and who must have one is led through."""

import pyotp
import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import actions, queries, tokens, totp
from accounts.authentication import authenticate_token
from accounts.errors import SessionRevoked
from accounts.models import SecondFactor, Session, User
from accounts.tests.conftest import PASSWORD
from accounts.tests.second_factor import FACTOR, NOON, code_of, sign_in, wants_a_code

pytestmark = pytest.mark.usefixtures("noon")


@pytest.fixture
def root(alice: User, recovery: list[str]) -> User:
    """Alice, who is staff and has a second factor."""
    alice.is_staff = alice.is_superuser = True
    alice.save()
    return alice


FORMS = ["admin:login", "rest_framework:login"]


@pytest.mark.parametrize("door", FORMS)
def test_the_forms_of_admin_and_browsable_api_ask_for_the_code(root: User, door: str) -> None:
    client, address = Client(), reverse(door)
    fields = {"username": "alice", "password": PASSWORD}
    assert "one-time-code" in client.get(address).content.decode()

    asked = client.post(address, fields)
    assert (asked.status_code, "sessionid" in asked.cookies) == (200, False)
    assert "authenticator app shows" in asked.content.decode()
    wrong = client.post(address, {**fields, "code": "000000x"})
    assert (wrong.status_code, "sessionid" in wrong.cookies) == (200, False)
    right = client.post(address, {**fields, "code": code_of(root)})
    assert (right.status_code, "sessionid" in right.cookies) == (302, True)
    assert client.get(reverse("admin:index")).status_code == 200


def test_a_code_used_at_one_door_is_used_up_at_the_others(anyone: APIClient, root: User) -> None:
    code = code_of(root)
    assert sign_in(anyone, code=code).status_code == 200

    form = {"username": "alice", "password": PASSWORD, "code": code}
    assert Client().post(reverse("admin:login"), form).status_code == 200


def test_a_django_session_begun_without_it_ends_when_it_is_turned_on(alice: User) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    client = Client()
    client.post(reverse("admin:login"), {"username": "alice", "password": PASSWORD})
    assert client.get(reverse("admin:index")).status_code == 200

    actions.begin_second_factor(user=alice, password=PASSWORD)
    actions.confirm_second_factor(user=alice, code=code_of(alice))

    assert client.get(reverse("admin:index")).status_code == 302


@pytest.mark.parametrize(
    ("policy", "staff", "out"),
    [
        ("nobody", True, False),
        ("staff", False, False),
        ("staff", True, True),
        ("everyone", False, True),
    ],
)
def test_where_one_is_required_nobody_without_one_gets_in_or_stays_in(
    alice: User,
    laptop: Session,
    anyone: APIClient,
    settings: Settings,
    policy: str,
    staff: bool,
    out: bool,
) -> None:
    pair = tokens.issue(laptop)
    office = Client()
    alice.is_staff = staff
    alice.save()
    office.force_login(alice)
    settings.REQUIRE_SECOND_FACTOR = policy

    assert (sign_in(anyone).status_code == 401) is out
    if out:
        assert sign_in(anyone).json()["code"] == "second_factor_setup_required"
        with pytest.raises(SessionRevoked):
            authenticate_token(pair.access)
    else:
        assert authenticate_token(pair.access).user == alice
    assert (queries.ended_among([laptop.pk]) == {laptop.pk}) is out
    assert (office.get("/api/v1/auth/sessions/").status_code != 200) is out
    refreshed = anyone.post("/api/v1/auth/token/refresh/", {"refresh": pair.refresh})
    assert (refreshed.status_code == 401) is out
    form = {"username": "alice", "password": PASSWORD}
    came_in = Client().post(reverse("rest_framework:login"), form).status_code == 302
    assert came_in is not out


def test_whoever_must_have_one_sets_it_up_at_the_door(
    alice: User, anyone: APIClient, settings: Settings
) -> None:
    settings.REQUIRE_SECOND_FACTOR = "everyone"
    who = {"username": "alice", "password": PASSWORD}
    setup = f"{FACTOR}setup/"

    assert anyone.post(setup, {**who, "password": "wrong"}).status_code == 401
    shown = anyone.post(setup, who).json()
    wrong = anyone.post(f"{setup}confirm/", {**who, "code": "000000x"})
    assert wants_a_code(wrong)
    answer = anyone.post(
        f"{setup}confirm/",
        {**who, "code": pyotp.TOTP(shown["secret"]).at(NOON), "device": "Laptop"},
    )

    assert answer.status_code == 200
    assert len(answer.json()["recovery_codes"]) == totp.RECOVERY_CODES
    assert authenticate_token(answer.json()["access"]).session.device == "Laptop"
    assert wants_a_code(sign_in(anyone))


@pytest.mark.parametrize("policy", ["nobody", "everyone"])
def test_the_setup_at_the_door_replaces_nobodys_second_factor(
    alice: User, recovery: list[str], anyone: APIClient, settings: Settings, policy: str
) -> None:
    settings.REQUIRE_SECOND_FACTOR = policy
    before = SecondFactor.objects.get().secret
    who = {"username": "alice", "password": PASSWORD}

    assert anyone.post(f"{FACTOR}setup/", who).status_code == 401
    finish = {**who, "code": code_of(alice)}
    assert anyone.post(f"{FACTOR}setup/confirm/", finish).status_code == 401
    assert SecondFactor.objects.get().secret == before


# --- Help for whoever lost it ---


def test_the_staff_removes_a_second_factor_of_those_within_reach_but_not_ones_own(
    alice: User, recovery: list[str]
) -> None:
    clerk = User.objects.create_user("clerk", "clerk@example.org", PASSWORD, is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=("view_user", "change_user")))
    boss = User.objects.create_superuser("boss", "boss@example.org", PASSWORD)
    User.objects.filter(pk__in=[clerk.pk, boss.pk]).update(second_factor_at=NOON)
    clerk.refresh_from_db()
    desk = Client()
    desk.force_login(clerk)

    people = {
        "action": "remove_second_factor",
        "_selected_action": [str(each.pk) for each in (alice, clerk, boss)],
    }
    assert desk.post(reverse("admin:accounts_user_changelist"), people).status_code == 302
    having = User.objects.filter(second_factor_at__isnull=False)
    assert set(having.values_list("username", flat=True)) == {"clerk", "boss"}


def test_the_command_removes_a_second_factor(
    alice: User, recovery: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    session = actions.open_session(user=alice)
    call_command("remove_second_factor", "ALICE@example.org")

    alice.refresh_from_db()
    session.refresh_from_db()
    assert (alice.second_factor_at, session.revoked_reason) == (None, "second_factor_changed")
    assert "alice" in capsys.readouterr().out
    for name in ("alice", "nobody"):
        with pytest.raises(CommandError):
            call_command("remove_second_factor", name)


def test_the_admins_own_form_for_a_password_is_no_door_of_its_own(root: User) -> None:
    office = Client()
    office.force_login(root)

    for method in ("get", "post"):
        answer = getattr(office, method)(reverse("admin:password_change"))
        assert (answer.status_code, answer.url) == (302, "/settings/password")
