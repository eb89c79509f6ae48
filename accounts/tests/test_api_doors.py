"""Registering, signing in and refreshing over REST."""

from typing import Any
from unittest.mock import Mock

import pytest
import time_machine
from django.db import OperationalError
from rest_framework.test import APIClient

from accounts import actions, tokens
from accounts.api import cookies
from accounts.authentication import authenticate_token
from accounts.models import Session, User
from accounts.tests.conftest import PASSWORD

REGISTER, TOKEN, REFRESH = (
    "/api/v1/auth/register/",
    "/api/v1/auth/token/",
    "/api/v1/auth/token/refresh/",
)
CAROL = {"username": "carol", "email": "carol@example.org", "password": PASSWORD}
ALICE = {"username": "alice", "password": PASSWORD}


def post(client: APIClient, path: str, body: Any, **headers: str) -> Any:
    return client.post(path, body, format="json", headers=headers)


def _errors(answer: Any, status: int = 400) -> set[str]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    return set(body.get("errors", {}))


def test_registering_signs_in(anyone: APIClient, db: None) -> None:
    answer = post(
        anyone,
        REGISTER,
        {**CAROL, "display_name": "Carol W", "device": "Laptop"},
    )

    body = answer.json()
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert set(body) == {"access", "refresh", "access_expires_at", "session", "user"}
    assert body["access_expires_at"].endswith("Z")
    assert body["user"] == {
        "id": str(User.objects.get().pk),
        "username": "carol",
        "display_name": "Carol W",
        "avatar": None,
    }
    identity = authenticate_token(body["access"])
    assert (str(identity.session.pk), identity.session.device) == (body["session"], "Laptop")
    assert cookies.NAME not in answer.cookies


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": None}, "username"),
        ({"username": 12345}, "username"),
        ({"username": ""}, "username"),
        ({"username": "a b c"}, "username"),
        ({"username": "x" * 33}, "username"),
        ({"username": "car\x1bol"}, "username"),
        ({"email": "nowhere"}, "email"),
        ({"email": f"{'x' * 250}@example.org"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "carol@example.org"}, "password"),
        ({"password": "x" * 257}, "password"),
        ({"password": ["list"]}, "password"),
        ({"display_name": "\u202eevil"}, "display_name"),
        ({"display_name": "x" * 65}, "display_name"),
        ({"device": "x" * 81}, "device"),
        ({"cookie": "perhaps"}, "cookie"),
        ({"is_staff": True}, "is_staff"),
        ({"id": "0190b6a0-0000-7000-8000-000000000000"}, "id"),
    ],
    ids=str,
)
def test_a_registration_names_the_field_at_fault(
    anyone: APIClient, db: None, change: dict[str, Any], field: str
) -> None:
    assert _errors(post(anyone, REGISTER, {**CAROL, **change})) == {field}
    assert not User.objects.exists()


def test_a_registration_without_anything_names_what_is_required(
    anyone: APIClient, db: None
) -> None:
    assert _errors(post(anyone, REGISTER, {})) == {"username", "email", "password"}
    assert _errors(post(anyone, REGISTER, {"x": 1})) == {"x", "username", "email", "password"}


def test_a_name_or_address_that_is_taken_is_refused(anyone: APIClient, alice: User) -> None:
    taken = {**CAROL, "username": "Alice", "email": "ALICE@example.org"}

    assert _errors(post(anyone, REGISTER, taken)) == {"username", "email"}


def test_who_could_not_be_signed_in_has_no_account_and_registers_again(
    anyone: APIClient, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as outage:
        outage.setattr(Session.objects, "create", Mock(side_effect=OperationalError("gone")))
        assert post(anyone, REGISTER, CAROL).status_code == 503

    assert not User.objects.exists()
    assert post(anyone, REGISTER, CAROL).status_code == 201


@pytest.mark.parametrize("login", ["alice", "ALICE", "alice@example.org"])
def test_one_signs_in_by_name_or_address(anyone: APIClient, alice: User, login: str) -> None:
    answer = post(anyone, TOKEN, {"username": login, "password": PASSWORD}, user_agent="curl/8.5")

    assert answer.status_code == 200
    session = authenticate_token(answer.json()["access"]).session
    assert (session.user, session.device, session.address) == (alice, "curl", "127.0.0.1")


@pytest.mark.parametrize(
    "body",
    [
        {"username": "alice", "password": "wrong"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "Bob", "password": PASSWORD},
    ],
    ids=["wrong", "unknown", "suspended"],
)
def test_unknown_wrong_and_suspended_get_one_and_the_same_answer(
    anyone: APIClient, alice: User, bob: User, body: dict[str, str]
) -> None:
    actions.suspend_user(user=bob)

    answer = post(anyone, TOKEN, body)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    problem = answer.json()
    problem.pop("request_id", None)
    assert problem == {
        "type": "about:blank",
        "title": "That username and password don't match.",
        "detail": "That username and password don't match.",
        "status": 401,
        "code": "unauthenticated",
    }


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["password", "username"]),
        ({"username": "alice", "password": ""}, ["password"]),
        ({"username": "alice", "password": True}, ["password"]),
        ({"username": {"a": 1}, "password": PASSWORD}, ["username"]),
        ({"username": "x" * 255, "password": PASSWORD}, ["username"]),
        ({**ALICE, "user": 1}, ["user"]),
        ([], []),
    ],
    ids=str,
)
def test_a_sign_in_names_the_field_at_fault(
    anyone: APIClient, alice: User, body: Any, fields: list[str]
) -> None:
    assert sorted(_errors(post(anyone, TOKEN, body))) == fields


def test_an_old_token_in_the_headers_does_not_bar_the_way_in(
    anyone: APIClient, alice: User, laptop: Session
) -> None:
    anyone.credentials(HTTP_AUTHORIZATION="Bearer old.and.useless")

    assert post(anyone, TOKEN, ALICE).status_code == 200
    refresh = tokens.issue(laptop).refresh
    assert post(anyone, REFRESH, {"refresh": refresh}).status_code == 200


def test_a_refresh_token_is_exchanged_for_the_next_pair(anyone: APIClient, laptop: Session) -> None:
    first = tokens.issue(laptop).refresh

    body = post(anyone, REFRESH, {"refresh": first}).json()
    again = post(anyone, REFRESH, {"refresh": first}).json()

    assert body["session"] == str(laptop.pk)
    assert body["user"]["username"] == "alice"
    assert body["refresh"] == again["refresh"] != first
    assert authenticate_token(body["access"]).session == laptop


def test_a_dead_refresh_token_is_refused_and_ends_the_session(
    anyone: APIClient, laptop: Session
) -> None:
    first = tokens.issue(laptop).refresh
    second = post(anyone, REFRESH, {"refresh": first}).json()
    third = post(anyone, REFRESH, {"refresh": second["refresh"]}).json()

    assert post(anyone, REFRESH, {"refresh": first}).status_code == 401
    assert post(anyone, REFRESH, {"refresh": third["refresh"]}).status_code == 401
    anyone.credentials(HTTP_AUTHORIZATION=f"Bearer {third['access']}")
    assert anyone.get("/api/v1/auth/sessions/").status_code == 401


@pytest.mark.parametrize("refresh", ["rubbish", "a.b.c", ""])
def test_rubbish_is_no_refresh_token(anyone: APIClient, db: None, refresh: str) -> None:
    assert post(anyone, REFRESH, {"refresh": refresh}).status_code in {400, 401}


def test_a_refresh_names_the_field_at_fault(anyone: APIClient, db: None) -> None:
    assert _errors(post(anyone, REFRESH, {"refresh": 7})) == {"refresh"}
    assert _errors(post(anyone, REFRESH, {"refresh": "x" * 3000})) == {"refresh"}
    assert _errors(post(anyone, REFRESH, {"access": "x"})) == {"access"}


def test_a_deleted_user_is_refused_with_401_at_every_door(
    anyone: APIClient, alice: User, laptop: Session
) -> None:
    pair = tokens.issue(laptop)
    alice.delete()

    assert post(anyone, REFRESH, {"refresh": pair.refresh}).status_code == 401
    assert post(anyone, TOKEN, ALICE).status_code == 401
    anyone.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    assert anyone.get("/api/v1/auth/sessions/").status_code == 401


def test_an_expired_refresh_token_is_refused(anyone: APIClient, laptop: Session) -> None:
    refresh = tokens.issue(laptop).refresh

    with time_machine.travel(laptop.expires_at.timestamp() + 1, tick=False):
        answer = post(anyone, REFRESH, {"refresh": refresh})

    assert answer.status_code == 401
    assert "expired" in answer.json()["detail"]


@pytest.mark.usefixtures("three_attempts")
def test_whoever_knocks_too_often_waits(anyone: APIClient, alice: User) -> None:
    answers = [post(anyone, TOKEN, {"username": "alice", "password": "x"}) for _ in range(5)]

    assert [each.status_code for each in answers] == [401, 401, 401, 429, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert post(anyone, REGISTER, {}).status_code == 400
