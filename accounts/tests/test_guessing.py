"""Row 8: guessing is slowed for each account and each address, and its owner is not kept out."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import actions, knowndevices
from accounts.actions.identity import (
    ACCOUNT_DELAY,
    ADDRESS_DELAY,
    DEVICE_DELAY,
    INSIDE_DELAY,
    forget_failures,
)
from accounts.models import User
from accounts.tests.conftest import PASSWORD
from pneumatic.lib.errors import Unavailable

TOKEN = "/api/v1/auth/token/"
#: What one could type for alice, hoping that the database finds her and the brake doesn't.
ALIKE = [
    "ALICE",
    " alice",
    "alice\t",
    "alice\u00a0",
    "alice\u200b",
    "\ufeffalice",
    "al\u00adice",
    "\uff41\uff4c\uff49\uff43\uff45",
    "al\u0131ce",
    "AL\u0130CE",
    "ali\u0441e",
    "alice\u0301",
    "alice\0",
]


@pytest.fixture(autouse=True)
def _no_machine_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first delay outlasts a test: on a crowded machine its one second passes by itself."""
    for brake in (ACCOUNT_DELAY, ADDRESS_DELAY, DEVICE_DELAY, INSIDE_DELAY):
        monkeypatch.setattr(brake, "first", 60.0)


def sign_in(client: Any, username: str = "alice", password: str = PASSWORD, **more: Any) -> Any:
    body = {"username": username, "password": password, **more.pop("body", {})}
    return client.post(TOKEN, body, content_type="application/json", **more)


def guess(times: int, username: str = "alice", network: int = 0) -> list[int]:
    """Wrong passwords, each from an address of its own; the statuses."""
    return [
        sign_in(Client(), username, "wrong", REMOTE_ADDR=f"198.51.{network}.{n}").status_code
        for n in range(times)
    ]


def test_guesses_at_one_account_are_slowed_wherever_they_come_from(alice: User) -> None:
    statuses = guess(12)

    assert statuses[: ACCOUNT_DELAY.free + 1] == [401] * (ACCOUNT_DELAY.free + 1)
    assert set(statuses[ACCOUNT_DELAY.free + 1 :]) == {429}
    refused = sign_in(Client(), REMOTE_ADDR="203.0.113.9")
    assert refused.status_code == 429, "even the right password: else guessing would go on"
    assert int(refused["Retry-After"]) >= 1
    assert "not locked" in refused.json()["detail"]


def test_name_and_e_mail_address_are_slowed_apart(alice: User) -> None:
    """One brake for both would tell strangers which address belongs to which name."""
    assert guess(12, "ALICE")[-1] == 429
    assert guess(1, " alice ", network=2) == [429], "which is the same name"

    assert guess(12, "alice@example.org", network=1) == guess(12, "nobody@example.org", network=3)


@pytest.mark.parametrize("spelling", ALIKE, ids=ascii)
def test_no_spelling_of_a_name_begins_its_count_anew(alice: User, spelling: str) -> None:
    """Either it is another name, which opens nothing, or it is slowed with the name itself."""
    assert guess(12)[-1] == 429

    assert sign_in(Client(), spelling, REMOTE_ADDR="203.0.113.9").status_code in (400, 401, 429)


def test_who_proves_otherwise_to_be_the_owner_is_slowed_by_neither(alice: User) -> None:
    guess(12, "alice")
    guess(12, "ALICE@example.org", network=1)

    forget_failures(alice)

    assert sign_in(Client(), "alice@example.org").status_code == 200
    assert sign_in(Client()).status_code == 200


def test_names_that_nobody_has_are_slowed_alike(alice: User) -> None:
    assert guess(12, "nobody") == guess(12, "alice", network=1)


def test_the_owner_comes_in_from_a_known_browser_while_strangers_guess(alice: User) -> None:
    browser = Client()
    assert sign_in(browser, body={"cookie": True}).status_code == 200
    assert guess(12)[-1] == 429

    assert sign_in(browser).status_code == 200
    assert sign_in(Client()).status_code == 429


def test_a_known_browser_is_slowed_by_its_own_failures(alice: User) -> None:
    browser = Client()
    sign_in(browser, body={"cookie": True})

    statuses = [sign_in(browser, password="wrong").status_code for _ in range(12)]
    assert statuses[-1] == 429
    assert sign_in(Client()).status_code == 200, "which don't slow the owner elsewhere"


def test_a_known_browser_of_one_is_none_of_another(alice: User, bob: User) -> None:
    browser = Client()
    sign_in(browser, body={"cookie": True})

    assert [sign_in(browser, "bob", "wrong").status_code for _ in range(12)][-1] == 429
    assert sign_in(Client(), "bob").status_code == 429


@pytest.mark.parametrize("forged", ["", "x", "e30:1x:y", "a" * 5000, "\x00"])
def test_a_forged_cookie_makes_no_known_browser(alice: User, forged: str) -> None:
    known = knowndevices.known_device(forged, user_id=alice.pk, password=alice.password)

    assert known is None


def test_the_cookie_is_handed_out_after_a_full_sign_in_only(
    alice: User, settings: Settings
) -> None:
    settings.HTTPS = True
    name = knowndevices.cookie_name()
    refused = sign_in(Client(), password="wrong", secure=True, body={"cookie": True})
    assert name not in refused.cookies

    cookie = sign_in(Client(), secure=True, body={"cookie": True}).cookies[name]
    assert name.startswith("__Host-")
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Strict", "/", "")


def test_a_changed_password_ends_known_browsers(alice: User) -> None:
    cookie = knowndevices.remember("", user_id=alice.pk, password=alice.password)
    assert knowndevices.known_device(cookie, user_id=alice.pk, password=alice.password)

    actions.set_password(user=alice, new="nine yellow lanterns")

    assert not knowndevices.known_device(cookie, user_id=alice.pk, password=alice.password)


def test_a_browser_knows_five_people_and_is_one_browser(alice: User) -> None:
    cookie = ""
    for number in range(7):
        cookie = knowndevices.remember(cookie, user_id=number, password="hash")
    ids = [knowndevices.known_device(cookie, user_id=n, password="hash") for n in range(7)]

    assert ids[:2] == [None, None]
    assert len(set(ids[2:])) == 1
    assert len(cookie) < knowndevices.COOKIE_MAX


def test_one_address_that_tries_many_accounts_is_slowed(alice: User) -> None:
    client = Client()
    statuses = [
        sign_in(client, f"name{n}", "wrong").status_code for n in range(ADDRESS_DELAY.free + 2)
    ]
    assert statuses[-2:] == [401, 429]
    assert sign_in(client).status_code == 429
    assert sign_in(Client(), REMOTE_ADDR="203.0.113.9").status_code == 200


def test_the_owner_comes_in_from_a_known_browser_at_the_attackers_address(alice: User) -> None:
    browser, stranger = Client(), Client()
    assert sign_in(browser, body={"cookie": True}).status_code == 200
    for n in range(ADDRESS_DELAY.free + 2):
        sign_in(stranger, f"name{n}", "wrong")
    assert sign_in(stranger).status_code == 429

    assert sign_in(browser).status_code == 200


def test_an_ipv6_network_is_one_address(alice: User) -> None:
    statuses = [
        sign_in(Client(), f"name{n}", "wrong", REMOTE_ADDR=f"2001:db8::{n:x}").status_code
        for n in range(ADDRESS_DELAY.free + 2)
    ]
    assert statuses[-1] == 429


def test_a_success_forgets_the_accounts_failures(alice: User) -> None:
    for _ in range(4):
        guess(4)
        assert sign_in(Client()).status_code == 200


def test_a_right_password_without_its_code_counts_for_nothing_and_a_wrong_code_counts(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.begin_second_factor(user=alice, password=PASSWORD)
    monkeypatch.setattr("accounts.actions.second_factor.spend_step", lambda *_: True)
    actions.confirm_second_factor(user=alice, code="123456")

    assert {sign_in(Client()).status_code for _ in range(20)} == {401}
    codes = [sign_in(Client(), body={"code": f"{n:06}"}).status_code for n in range(12)]
    assert codes[-1] == 429
    assert sign_in(Client()).status_code == 429, "asking for the code first doesn't go around it"


@pytest.mark.parametrize("door", ["admin:login", "rest_framework:login"])
def test_the_forms_of_admin_and_browsable_api_are_slowed_with_rest(alice: User, door: str) -> None:
    form = {"username": "alice", "password": "wrong"}
    for number in range(ACCOUNT_DELAY.free + 1):
        Client().post(reverse(door), form, REMOTE_ADDR=f"198.51.100.{number}")

    assert sign_in(Client()).status_code == 429
    refused = Client().post(reverse(door), {**form, "password": PASSWORD})
    assert refused.status_code == 200
    assert "Too many failed attempts" in refused.content.decode()


def test_a_form_remembers_the_browser_too(alice: User) -> None:
    browser = Client()
    form = {"username": "alice", "password": PASSWORD}
    assert browser.post(reverse("rest_framework:login"), form).status_code == 302
    assert guess(12)[-1] == 429

    assert browser.post(reverse("rest_framework:login"), form).status_code == 302


def test_someone_inside_does_not_guess_the_password_either(
    alice: User, on: Any, laptop: Any
) -> None:
    change = {"old_password": "wrong", "new_password": "nine yellow lanterns"}
    client = on(laptop)
    statuses = [client.post("/api/v1/auth/password/change/", change).status_code for _ in range(9)]

    assert statuses == [400] * 6 + [429] * 3
    assert sign_in(Client()).status_code == 200, "and strangers' doors are not slowed by it"


def test_a_busy_server_is_nobodys_failure(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any) -> Any:
        raise Unavailable("Too many people are signing in at once.", retry_after=5)

    with monkeypatch.context() as crowded:
        crowded.setattr("accounts.actions.identity.verify_password", busy)
        assert {sign_in(Client()).status_code for _ in range(20)} == {503}
    assert sign_in(Client()).status_code == 200


def test_the_address_that_counts_is_not_the_one_that_is_claimed(
    alice: User, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = 0
    statuses = [
        sign_in(Client(), f"name{n}", "wrong", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}").status_code
        for n in range(ADDRESS_DELAY.free + 2)
    ]
    assert statuses[-1] == 429
