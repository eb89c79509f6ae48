"""Row 10: a code works once, within one step; recovery codes once; no door goes around it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import actions, queries, tokens, totp
from accounts.actions.identity import INSIDE_DELAY, spend_code
from accounts.authentication import authenticate_token
from accounts.errors import SessionRevoked, TooManyFailures
from accounts.models import RecoveryCode, SecondFactor, Session, User
from accounts.tests.conftest import PASSWORD
from pneumatic.lib.errors import Conflict, Invalid

TOKEN = "/api/v1/auth/token/"
FACTOR = "/api/v1/auth/second-factor/"
NOON = datetime(2026, 3, 12, 12, 0, 15, tzinfo=UTC)
STEP = timedelta(seconds=totp.STEP_SECONDS)


@pytest.fixture(autouse=True)
def noon() -> Iterator[time_machine.Traveller]:
    """The clock stands in the middle of a step."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def code_of(user: User, at: datetime | None = None) -> str:
    secret = totp.decrypted(SecondFactor.objects.get(user=user).secret)
    return pyotp.TOTP(secret).at(at or datetime.now(UTC))


@pytest.fixture
def recovery(alice: User, noon: time_machine.Traveller) -> list[str]:
    """Alice has a second factor; these are her recovery codes. A step has passed since."""
    actions.begin_second_factor(user=alice, password=PASSWORD)
    codes = actions.confirm_second_factor(user=alice, code=code_of(alice))
    noon.shift(STEP)
    return codes


def sign_in(client: APIClient, **more: str) -> Any:
    return client.post(TOKEN, {"username": "alice", "password": PASSWORD, **more}, format="json")


def _wants_a_code(answer: Any) -> bool:
    return bool(answer.status_code == 401 and answer.json()["code"] == "second_factor_required")


# --- Adding one ---


def test_a_second_factor_is_begun_shown_once_and_confirmed_with_a_code(
    alice: User, laptop: Session, phone: Session, on: Callable[[Session], APIClient]
) -> None:
    client = on(laptop)
    assert client.get(FACTOR).json() == {"enabled": False, "since": None, "recovery_codes_left": 0}

    begun = client.post(FACTOR, {"password": PASSWORD})
    shown = begun.json()
    assert begun.status_code == 201
    assert begun["Cache-Control"] == "no-store"
    assert shown["uri"].startswith("otpauth://totp/")
    assert f"secret={shown['secret']}" in shown["uri"]
    assert shown["qr"].startswith("data:image/svg+xml")
    alice.refresh_from_db()
    assert alice.second_factor_at is None, "nothing counts before the first code"
    assert not _wants_a_code(sign_in(APIClient()))

    done = client.post(f"{FACTOR}confirm/", {"code": pyotp.TOTP(shown["secret"]).at(NOON)})
    codes = done.json()["recovery_codes"]
    assert len(set(codes)) == totp.RECOVERY_CODES
    state = client.get(FACTOR).json()
    assert (state["enabled"], state["recovery_codes_left"]) == (True, totp.RECOVERY_CODES)
    assert shown["secret"] not in str(state)
    phone.refresh_from_db()
    laptop.refresh_from_db()
    assert phone.revoked_reason == "second_factor_changed", "it was opened without one"
    assert laptop.revoked_at is None


def test_the_secret_is_encrypted_and_recovery_codes_are_digests(
    alice: User, recovery: list[str]
) -> None:
    factor = SecondFactor.objects.get()
    assert totp.decrypted(factor.secret) not in factor.secret
    stored = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert stored == {totp.digest(code.replace("-", "")) for code in recovery}


def test_beginning_wants_the_password_and_a_wrong_first_code_turns_nothing_on(
    alice: User, laptop: Session, on: Callable[[Session], APIClient]
) -> None:
    client = on(laptop)
    assert set(client.post(FACTOR, {"password": "wrong"}).json()["errors"]) == {"password"}
    assert not SecondFactor.objects.exists()
    assert client.post(f"{FACTOR}confirm/", {"code": "000000"}).status_code == 409
    client.post(FACTOR, {"password": PASSWORD})
    refused = client.post(f"{FACTOR}confirm/", {"code": "recovery-like"})
    assert (refused.status_code, set(refused.json()["errors"])) == (400, {"code"})
    alice.refresh_from_db()
    assert alice.second_factor_at is None


def test_a_secret_that_was_shown_long_ago_is_not_confirmed(
    alice: User, noon: time_machine.Traveller
) -> None:
    actions.begin_second_factor(user=alice, password=PASSWORD)
    noon.shift(timedelta(hours=1, seconds=1))

    with pytest.raises(Conflict):
        actions.confirm_second_factor(user=alice, code=code_of(alice))


def test_one_that_is_on_is_not_replaced(alice: User, recovery: list[str]) -> None:
    with pytest.raises(Conflict):
        actions.begin_second_factor(user=alice, password=PASSWORD)


# --- Signing in with it ---


def test_a_code_is_asked_for_after_the_password_only(
    anyone: APIClient, alice: User, recovery: list[str]
) -> None:
    assert _wants_a_code(sign_in(anyone))
    assert sign_in(anyone, password="wrong").json()["code"] == "unauthenticated"
    wrong = sign_in(anyone, password="wrong", code=code_of(alice))
    assert wrong.json()["code"] == "unauthenticated"

    answer = sign_in(anyone, code=code_of(alice))
    assert answer.status_code == 200
    assert authenticate_token(answer.json()["access"]).user == alice


def test_a_code_works_once(anyone: APIClient, alice: User, recovery: list[str]) -> None:
    code = code_of(alice)
    assert sign_in(anyone, code=code).status_code == 200

    again = sign_in(anyone, code=code)
    assert _wants_a_code(again)
    assert set(again.json()["errors"]) == {"code"}


def test_the_code_that_confirmed_is_used_up(alice: User) -> None:
    actions.begin_second_factor(user=alice, password=PASSWORD)
    code = code_of(alice)
    actions.confirm_second_factor(user=alice, code=code)

    assert not spend_code(user=alice, code=code)


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_code_is_good_one_step_early_or_late(
    alice: User, recovery: list[str], noon: time_machine.Traveller, steps: int, good: bool
) -> None:
    noon.shift(10 * STEP)
    assert spend_code(user=alice, code=code_of(alice, datetime.now(UTC) + steps * STEP)) is good


def test_a_code_before_the_one_used_is_used_up_too(alice: User, recovery: list[str]) -> None:
    now = datetime.now(UTC)
    assert spend_code(user=alice, code=code_of(alice, now + STEP))

    assert not spend_code(user=alice, code=code_of(alice, now))


@pytest.mark.parametrize("typed", ["{0}{1} {2}{3} {4}{5}", " {0}{1}{2}-{3}{4}{5} "])
def test_spaces_in_a_code_do_not_matter(alice: User, recovery: list[str], typed: str) -> None:
    assert spend_code(user=alice, code=typed.format(*code_of(alice)))


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "aaaaaa", "-" * 40])
def test_what_is_no_code_is_refused(alice: User, recovery: list[str], code: str) -> None:
    assert not spend_code(user=alice, code=code)


def test_a_recovery_code_signs_in_once(anyone: APIClient, alice: User, recovery: list[str]) -> None:
    assert sign_in(anyone, code=recovery[0].lower()).status_code == 200
    assert _wants_a_code(sign_in(anyone, code=recovery[0]))
    assert sign_in(anyone, code=recovery[1].replace("-", " ")).status_code == 200
    assert queries.unused_recovery_codes(alice) == totp.RECOVERY_CODES - 2


def test_recovery_codes_are_ones_own(bob: User, recovery: list[str]) -> None:
    assert not spend_code(user=bob, code=recovery[0])


def test_new_recovery_codes_void_the_old(
    alice: User, laptop: Session, on: Callable[[Session], APIClient], recovery: list[str]
) -> None:
    answer = on(laptop).post(
        f"{FACTOR}recovery-codes/", {"password": PASSWORD, "code": code_of(alice)}
    )
    assert answer.status_code == 401, "turning it on ended this device's session"
    renewed = actions.renew_recovery_codes(user=alice, password=PASSWORD, code=code_of(alice))

    assert not set(renewed) & set(recovery)
    assert not spend_code(user=alice, code=recovery[0])
    assert spend_code(user=alice, code=renewed[0])


def test_a_secret_that_cannot_be_read_is_told_and_leaves_the_recovery_codes(
    alice: User, recovery: list[str], settings: Settings
) -> None:
    code = code_of(alice)
    settings.SECRET_KEY = "another key, of which nobody ever told us before"

    assert not spend_code(user=alice, code=code)
    assert spend_code(user=alice, code=recovery[0])


def test_a_former_secret_key_still_reads_it(
    alice: User, recovery: list[str], settings: Settings
) -> None:
    code = code_of(alice)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, of which nobody ever told us before"

    assert spend_code(user=alice, code=code)


# --- Turning it off ---


def test_disabling_wants_the_password_and_a_code(alice: User, recovery: list[str]) -> None:
    with pytest.raises(Invalid) as wrong_password:
        actions.disable_second_factor(user=alice, password="wrong", code=code_of(alice))
    with pytest.raises(Invalid) as wrong_code:
        actions.disable_second_factor(user=alice, password=PASSWORD, code="000000x")
    assert set(wrong_password.value.fields) == {"password"}
    assert set(wrong_code.value.fields) == {"code"}

    session = actions.open_session(user=alice)
    here = actions.open_session(user=alice)
    actions.disable_second_factor(user=alice, password=PASSWORD, code=code_of(alice), keep=here)
    session.refresh_from_db()
    here.refresh_from_db()
    assert (session.revoked_reason, here.revoked_at) == ("second_factor_changed", None)
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert actions.sign_in(username="alice", password=PASSWORD).user == alice


def test_the_right_password_does_not_forget_the_guesses_at_the_code(
    alice: User, recovery: list[str]
) -> None:
    def guess() -> None:
        actions.disable_second_factor(user=alice, password=PASSWORD, code="000000x")

    for _ in range(INSIDE_DELAY.free + 1):
        with pytest.raises(Invalid):
            guess()
    with pytest.raises(TooManyFailures):
        guess()
    with pytest.raises(TooManyFailures):
        actions.renew_recovery_codes(user=alice, password=PASSWORD, code=code_of(alice))


def test_the_doors_of_a_second_factor_are_for_those_who_are_signed_in(
    anyone: APIClient, db: None
) -> None:
    for path in ("", "confirm/", "disable/", "recovery-codes/"):
        assert anyone.post(f"{FACTOR}{path}", {}).status_code == 401


# --- No door goes around it ---


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
    assert (queries.active_among([laptop.pk]) == set()) is out
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
    assert _wants_a_code(wrong)
    answer = anyone.post(
        f"{setup}confirm/",
        {**who, "code": pyotp.TOTP(shown["secret"]).at(NOON), "device": "Laptop"},
    )

    assert answer.status_code == 200
    assert len(answer.json()["recovery_codes"]) == totp.RECOVERY_CODES
    assert authenticate_token(answer.json()["access"]).session.device == "Laptop"
    assert _wants_a_code(sign_in(anyone))


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


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_with_the_same_code_one_comes_in() -> None:
    user = User.objects.create_user("dora", "dora@example.org", PASSWORD)
    actions.begin_second_factor(user=user, password=PASSWORD)
    recovery = actions.confirm_second_factor(user=user, code=code_of(user))
    code = code_of(user, datetime.now(UTC) + STEP)

    def spend(given: str) -> bool:
        try:
            return spend_code(user=user, code=given)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(spend, [code] * 6)).count(True) == 1
        assert list(pool.map(spend, [recovery[0]] * 6)).count(True) == 1


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
