"""Devices, signing out and changing the password over REST."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import actions, queries, tokens
from accounts.api import cookies
from accounts.models import Session, User
from accounts.tests.conftest import PASSWORD
from pneumatic.lib.times import rfc3339

SESSIONS, LOGOUT, LOGOUT_ALL, PASSWORD_CHANGE = (
    "/api/v1/auth/sessions/",
    "/api/v1/auth/logout/",
    "/api/v1/auth/logout-all/",
    "/api/v1/auth/password/change/",
)
On = Callable[[Session], APIClient]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", SESSIONS),
        ("delete", f"{SESSIONS}0190b6a0-0000-7000-8000-000000000000/"),
        ("post", LOGOUT),
        ("post", LOGOUT_ALL),
        ("post", PASSWORD_CHANGE),
    ],
)
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Bearer \xff", "Basic abc"])
def test_strangers_are_sent_to_sign_in(
    anyone: APIClient, db: None, method: str, path: str, header: str
) -> None:
    anyone.credentials(HTTP_AUTHORIZATION=header)

    answer = getattr(anyone, method)(path, {}, format="json")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "unauthenticated"


def test_one_sees_ones_own_devices(
    on: On,
    bob: User,
    laptop: Session,
    phone: Session,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    actions.open_session(user=bob, device="Bob's")
    gone = actions.open_session(user=laptop.user, device="Gone")
    actions.sign_out(session=gone)
    client = on(laptop)

    with django_assert_num_queries(2):
        body = client.get(SESSIONS).json()

    assert (body["next"], body["previous"]) == (None, None)
    # By id, which says when they were opened: to the millisecond, in which both may fall.
    newest_first = sorted((laptop, phone), key=lambda each: each.pk, reverse=True)
    assert [(each["device"], each["current"]) for each in body["results"]] == [
        (each.device, each == laptop) for each in newest_first
    ]
    mine = next(each for each in body["results"] if each["current"])
    assert set(mine) == {
        "id", "device", "user_agent", "address", "created_at", "last_used_at", "expires_at",
        "current", "ended_at", "ended_reason",
    }  # fmt: skip
    assert (mine["id"], mine["address"]) == (str(laptop.pk), "192.0.2.1")
    for name in ("created_at", "last_used_at", "expires_at"):
        assert mine[name] == rfc3339(datetime.fromisoformat(mine[name]))


def test_many_devices_come_in_pages(on: On, alice: User, laptop: Session) -> None:
    for number in range(60):
        actions.open_session(user=alice, device=str(number))
    client = on(laptop)

    first = client.get(SESSIONS).json()
    second = client.get(first["next"]).json()

    ids = [each["id"] for each in first["results"] + second["results"]]
    assert (len(ids), len(set(ids)), second["next"]) == (61, 61, None)


def test_the_list_of_devices_is_as_long_as_one_asks_for(
    on: On, laptop: Session, phone: Session
) -> None:
    page = on(laptop).get(SESSIONS, {"limit": "1"}).json()

    assert [each["device"] for each in page["results"]] == [
        max(laptop, phone, key=lambda each: each.pk).device
    ]
    assert page["next"]


@pytest.mark.parametrize(
    ("name", "value"), [("limit", "0"), ("limit", "101"), ("foo", "1"), ("cursor", "\0")]
)
def test_a_wrong_or_misspelt_question_for_devices_is_refused_by_name(
    on: On, laptop: Session, name: str, value: str
) -> None:
    answer = on(laptop).get(SESSIONS, {name: value})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [name]


def test_one_signs_another_device_out(on: On, laptop: Session, phone: Session) -> None:
    client = on(laptop)

    answer = client.delete(f"{SESSIONS}{phone.pk}/")

    assert answer.status_code == 204
    assert cookies.NAME not in answer.cookies
    assert on(phone).get(SESSIONS).status_code == 401
    assert client.get(SESSIONS).status_code == 200
    assert client.delete(f"{SESSIONS}{phone.pk}/").status_code == 404


def test_ones_own_device_loses_its_cookie_with_its_session(on: On, laptop: Session) -> None:
    answer = on(laptop).delete(f"{SESSIONS}{laptop.pk}/")

    assert answer.status_code == 204
    assert answer.cookies[cookies.NAME].value == ""


def test_nobody_signs_another_persons_device_out(on: On, bob: User, laptop: Session) -> None:
    bobs = on(actions.open_session(user=bob))

    assert bobs.delete(f"{SESSIONS}{laptop.pk}/").status_code == 404
    assert queries.active_session(laptop.pk) is not None
    assert bobs.delete(f"{SESSIONS}not-an-id/").status_code == 404


def test_signing_out_ends_this_device_only(on: On, laptop: Session, phone: Session) -> None:
    refresh = tokens.issue(laptop).refresh
    client = on(laptop)

    answer = client.post(LOGOUT)

    assert answer.status_code == 204
    cookie = answer.cookies[cookies.NAME]
    assert (cookie.value, cookie["path"]) == ("", cookies.PATH)
    assert client.post(LOGOUT).status_code == 401
    assert (
        client.post("/api/v1/auth/token/refresh/", {"refresh": refresh}, format="json").status_code
        == 401
    )
    assert on(phone).get(SESSIONS).status_code == 200


def test_signing_out_everywhere_ends_all_devices(
    on: On, alice: User, laptop: Session, phone: Session
) -> None:
    answer = on(laptop).post(LOGOUT_ALL)

    assert answer.status_code == 204
    assert answer.cookies[cookies.NAME].value == ""
    assert list(queries.sessions_of(alice)) == []


def test_signing_out_everywhere_else_keeps_this_device(
    on: On, alice: User, laptop: Session, phone: Session
) -> None:
    answer = on(laptop).post(LOGOUT_ALL, {"keep_current": True}, format="json")

    assert answer.status_code == 204
    assert cookies.NAME not in answer.cookies
    assert list(queries.sessions_of(alice)) == [laptop]
    wrong = on(laptop).post(LOGOUT_ALL, {"keep": True}, format="json")
    assert set(wrong.json()["errors"]) == {"keep"}


def test_a_changed_password_signs_the_other_devices_out(
    on: On, alice: User, laptop: Session, phone: Session
) -> None:
    body = {"old_password": PASSWORD, "new_password": "nine blue candles"}

    answer = on(laptop).post(PASSWORD_CHANGE, body, format="json")

    assert answer.status_code == 204
    assert list(queries.sessions_of(alice)) == [laptop]
    assert actions.sign_in(username="alice", password="nine blue candles").user == alice


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"old_password": "wrong"}, "old_password"),
        ({"old_password": None}, "old_password"),
        ({"new_password": "short"}, "new_password"),
        ({"new_password": "alice@example.org"}, "new_password"),
        ({"new_password": "x" * 257}, "new_password"),
        ({"new_password": 123456789012}, "new_password"),
        ({"user": "bob"}, "user"),
    ],
    ids=str,
)
def test_a_change_of_password_names_the_field_at_fault(
    on: On, laptop: Session, change: dict[str, Any], field: str
) -> None:
    body = {"old_password": PASSWORD, "new_password": "nine blue candles", **change}

    answer = on(laptop).post(PASSWORD_CHANGE, body, format="json")

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {field}
    assert laptop.user.check_password(PASSWORD)


def test_a_device_that_asks_is_seen(on: On, laptop: Session) -> None:
    past = timezone.now() - timedelta(hours=2)
    Session.objects.filter(pk=laptop.pk).update(last_used_at=past)

    on(laptop).get(SESSIONS)

    laptop.refresh_from_db()
    assert laptop.last_used_at > past


def test_the_browsable_api_may_use_djangos_own_session(alice: User, laptop: Session) -> None:
    client = APIClient()
    client.force_login(alice)

    body = client.get(SESSIONS).json()

    assert [each["current"] for each in body["results"]] == [True, False]
    assert client.post(LOGOUT).status_code == 401
    strict = APIClient(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(LOGOUT_ALL).status_code == 403


def test_a_person_sees_the_browsable_page_of_a_refusal(anyone: APIClient, db: None) -> None:
    anyone.credentials(HTTP_AUTHORIZATION="Bearer x.y.z")

    answer = anyone.get(SESSIONS, headers={"accept": "text/html"})

    assert answer.status_code == 401
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("cursor", ["cD1hYmM=", "nonsense", "cD0lMDA="])
def test_a_cursor_that_no_answer_held_is_refused_by_name(
    on: On, laptop: Session, cursor: str
) -> None:
    answer = on(laptop).get(f"{SESSIONS}?cursor={cursor}")

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["cursor"]
