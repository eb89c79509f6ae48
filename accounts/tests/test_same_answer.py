"""Rows 7 and 12: accounts can't be told from non-accounts by answer, by work or by size."""

from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import actions, queries
from accounts.hashers import Argon2Hasher
from accounts.models import User
from accounts.passwordrules import PASSWORD_MAX
from accounts.tests.conftest import PASSWORD

TOKEN = "/api/v1/auth/token/"


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each Argon2 computation; time is theirs, and they can be counted."""
    done: list[str] = []
    for name in ("encode", "verify"):
        original = getattr(Argon2PasswordHasher, name)

        def counted(self: Any, *args: Any, _original: Any = original, _name: str = name) -> Any:
            done.append(_name)
            return _original(self, *args)

        monkeypatch.setattr(Argon2PasswordHasher, name, counted)
    return done


@pytest.fixture
def people(alice: User, bob: User) -> None:
    """Bob is suspended."""
    actions.suspend_user(user=bob)


STRANGERS = [
    {"username": "nobody", "password": PASSWORD},
    {"username": "nobody@example.org", "password": PASSWORD},
    {"username": "alice", "password": "wrong"},
    {"username": "alice@example.org", "password": "wrong", "code": "123456"},
    {"username": "bob", "password": PASSWORD},
    {"username": "bob", "password": "wrong"},
]


@pytest.mark.parametrize(
    ("login", "password"), [("alice", "wrong"), ("bob", "wrong"), ("bob", PASSWORD)]
)
def test_an_old_hash_takes_as_much_work_as_an_unknown_name(
    people: None,
    anyone: APIClient,
    monkeypatch: pytest.MonkeyPatch,
    login: str,
    password: str,
) -> None:
    """Work is memory times passes: verifying takes the stored hash's, and the rest follows."""
    monkeypatch.setattr(Argon2Hasher, "memory_cost", 32)
    monkeypatch.setattr(Argon2Hasher, "time_cost", 2)
    work: list[int] = []
    encode, verify = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify

    def counted_encode(self: Any, *args: Any) -> str:
        work.append(self.memory_cost * self.time_cost)
        return encode(self, *args)

    def counted_verify(self: Any, password: str, encoded: str) -> bool:
        stored = self.decode(encoded)
        work.append(stored["memory_cost"] * stored["time_cost"])
        return verify(self, password, encoded)

    monkeypatch.setattr(Argon2PasswordHasher, "encode", counted_encode)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", counted_verify)
    for username, expected in (("nobody", [64]), (login, [8, 56])):
        work.clear()
        assert anyone.post(TOKEN, {"username": username, "password": password}).status_code == 401
        assert work == expected


def test_unknown_wrong_and_suspended_get_the_same_bytes_after_the_same_hashing(
    people: None, anyone: APIClient, hashes: list[str]
) -> None:
    answers, work = [], []
    for body in STRANGERS:
        hashes.clear()
        answer = anyone.post(TOKEN, body)
        work.append(len(hashes))
        answers.append(
            (answer.status_code, {**answer.json(), "request_id": ""}, set(answer.headers))
        )

    assert all(each == answers[0] for each in answers)
    assert answers[0][0] == 401
    assert set(work) == {1}


def test_they_cost_the_same_queries(
    people: None, anyone: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """One to look the name up, and for the first of each name those of the audit trail."""
    anyone.post(TOKEN, {"username": "first", "password": "wrong"})  # begins the trail
    told: set[str] = set()
    for body in STRANGERS:
        in_trail = 0 if body["username"] in told else 5
        told.add(body["username"])
        with django_assert_num_queries(1 + in_trail):
            anyone.post(TOKEN, body)


@pytest.mark.parametrize("door", ["admin:login", "rest_framework:login"])
def test_the_forms_tell_no_more(people: None, door: str, hashes: list[str]) -> None:
    pages, work = set(), set()
    for body in STRANGERS:
        hashes.clear()
        text = Client().post(reverse(door), body).content.decode()
        errors = text[text.index('role="alert"') : text.index("<form")]
        pages.add(errors)
        work.add(len(hashes))

    assert len(pages) == 1
    assert work == {1}


def test_the_admin_does_not_tell_who_is_staff(alice: User) -> None:
    right = Client().post(reverse("admin:login"), {"username": "alice", "password": PASSWORD})
    wrong = Client().post(reverse("admin:login"), {"username": "alice", "password": "wrong"})

    assert right.status_code == wrong.status_code == 200
    assert right.content.decode().count("Please enter a correct") == 1
    assert wrong.content.decode().count("Please enter a correct") == 1


def test_a_password_longer_than_any_is_refused_before_it_is_hashed(
    people: None, anyone: APIClient, hashes: list[str]
) -> None:
    long = "x" * 1024
    for name in ("alice", "nobody"):
        assert anyone.post(TOKEN, {"username": name, "password": long}).status_code == 400
        form = {"username": name, "password": long}
        assert Client().post(reverse("rest_framework:login"), form).status_code == 200
    register = {"username": "carol", "email": "c@example.org", "password": long}
    assert anyone.post("/api/v1/auth/register/", register).status_code == 400
    assert not hashes

    at_most = {"username": "alice", "password": "x" * PASSWORD_MAX}
    assert anyone.post(TOKEN, at_most).status_code == 401
    assert len(hashes) == 1


def test_the_search_for_people_knows_no_addresses_and_no_suspended(
    people: None, alice: User
) -> None:
    for text in ("bob", "bob@example.org", "bob@", "@example.org", "nobody"):
        assert queries.search_people(text, asking=alice) == []
