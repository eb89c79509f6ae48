"""Row 10: a second factor is added, used and turned off; a code works once, within one step."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine
from django.db import connections
from rest_framework.test import APIClient

from accounts import actions, queries, totp
from accounts.actions.identity import INSIDE_DELAY, spend_code
from accounts.authentication import authenticate_token
from accounts.errors import TooManyFailures
from accounts.models import RecoveryCode, SecondFactor, Session, User
from accounts.tests.conftest import PASSWORD
from accounts.tests.second_factor import FACTOR, NOON, STEP, code_of, sign_in, wants_a_code
from pneumatic.lib.errors import Conflict, Invalid

pytestmark = pytest.mark.usefixtures("noon")


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
    assert not wants_a_code(sign_in(APIClient()))

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
    assert wants_a_code(sign_in(anyone))
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
    assert wants_a_code(again)
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
    assert wants_a_code(sign_in(anyone, code=recovery[0]))
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
