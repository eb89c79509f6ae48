"""Failed sign-ins are in the audit trail: whose, from where, at which door, how many; bounded."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts import actions
from accounts.actions import failures
from accounts.actions.identity import ACCOUNT_DELAY
from accounts.models import AuditEvent, Session, User
from accounts.tests.conftest import PASSWORD
from accounts.tests.second_factor import FACTOR, TOKEN

HERE = "192.0.2.7"


def fail(name: str = "alice", address: str = HERE, **more: Any) -> int:
    body = {"username": name, "password": "wrong", **more}
    client = APIClient()
    return client.post(TOKEN, body, format="json", REMOTE_ADDR=address).status_code


def told() -> list[tuple[str | None, str, str, str, str]]:
    """Whom, where, at which door, why and how many, the oldest first."""
    names = dict(User.objects.values_list("id", "username"))
    return [
        (
            names.get(each.user_id) if each.user_id else None,
            each.address,
            *(each.detail[name] for name in ("door", "because", "attempts")),
        )
        for each in AuditEvent.objects.filter(kind="sign_in_failed").order_by("number")
    ]


def test_a_wrong_password_is_told_once_with_whom_and_where(alice: User) -> None:
    assert [fail() for _ in range(3)] == [401] * 3

    assert told() == [("alice", HERE, "sign_in", "password", "1")]
    fail("ALICE@example.org")
    fail(address="198.51.100.1")
    assert told()[1:] == [
        ("alice", HERE, "sign_in", "password", "1"),
        ("alice", "198.51.100.1", "sign_in", "password", "1"),
    ]


def test_those_that_are_slowed_count_and_the_tenth_is_told(alice: User) -> None:
    statuses = [fail() for _ in range(10)]

    assert statuses[-1] == 429
    assert told() == [
        ("alice", HERE, "sign_in", "password", "1"),
        ("alice", HERE, "sign_in", "waiting", "10"),
    ]


def test_a_name_that_nobody_has_is_told_without_it(db: None) -> None:
    assert fail("my password, in the wrong field") == 401

    event = AuditEvent.objects.get()
    assert told() == [(None, HERE, "sign_in", "password", "1")]
    assert "wrong field" not in str(event.__dict__)


def test_a_success_is_no_failure(alice: User) -> None:
    assert fail(password=PASSWORD) == 200
    assert told() == []


def test_a_wrong_code_is_told_and_a_missing_one_is_not(alice: User, recovery: list[str]) -> None:
    assert fail(password=PASSWORD) == 401
    assert told() == []
    assert fail(password=PASSWORD, code="000000x") == 401
    assert told() == [("alice", HERE, "sign_in", "code", "1")]


@pytest.mark.parametrize(
    ("page", "door"), [("admin:login", "admin"), ("rest_framework:login", "browsable_api")]
)
def test_djangos_own_forms_are_doors_too(alice: User, page: str, door: str) -> None:
    Client(REMOTE_ADDR=HERE).post(reverse(page), {"username": "alice", "password": "wrong"})
    assert told() == [("alice", HERE, door, "password", "1")]


def test_who_is_no_staff_did_not_sign_in_to_the_administration(alice: User) -> None:
    form = {"username": "alice", "password": PASSWORD}
    answer = Client(REMOTE_ADDR=HERE).post(reverse("admin:login"), form)

    assert (answer.status_code, "sessionid" in answer.cookies) == (200, False)
    assert told() == [("alice", HERE, "admin", "not staff", "1")]
    assert AuditEvent.objects.count() == 1


def test_guessing_at_the_setup_of_a_second_factor_is_told(alice: User) -> None:
    body = {"username": "alice", "password": "wrong"}
    APIClient().post(f"{FACTOR}setup/", body, format="json", REMOTE_ADDR=HERE)
    assert told() == [("alice", HERE, "setup", "password", "1")]


def test_who_is_inside_and_guesses_is_told(alice: User, laptop: Session, on: Any) -> None:
    client = on(laptop)
    change = {"old_password": "wrong", "new_password": "nine yellow lanterns"}
    client.post("/api/v1/auth/password/change/", change, REMOTE_ADDR=HERE)
    for path in ("", "disable/", "recovery-codes/"):
        body = {"password": "wrong", "code": "000000"}
        client.post(f"{FACTOR}{path}", body if path else {"password": "wrong"}, REMOTE_ADDR=HERE)
    assert told() == [("alice", HERE, "inside", "password", "1")]


def test_one_address_with_many_names_fills_no_table(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "EVENTS_OF_ADDRESS", 3)
    monkeypatch.setattr("accounts.actions.identity.ADDRESS_DELAY.free", 100)
    for number in range(8):
        fail(f"name{number}")
    assert len(told()) == 3
    fail("name0", address="198.51.100.1")
    assert len(told()) == 4


def test_many_addresses_fill_no_table_either(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "EVENTS", 5)
    for number in range(12):
        fail(address=f"198.51.100.{number}")
    assert len(told()) == 5


def test_each_is_in_the_log_without_what_was_typed(
    alice: User, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(ACCOUNT_DELAY.free + 3):
        fail("alice", password="hunter2 hunter2")
    fail("hunter2 hunter2")
    text = caplog.text + "".join(capsys.readouterr())
    assert text.count("sign_in_failed") >= ACCOUNT_DELAY.free + 4
    assert "hunter2" not in text


def test_the_trail_is_sound_with_them(alice: User) -> None:
    fail()
    actions.sign_in(username="alice", password=PASSWORD)
    fail("nobody")
    assert [event.kind for event in AuditEvent.objects.order_by("number")] == [
        "sign_in_failed",
        "signed_in",
        "sign_in_failed",
    ]
