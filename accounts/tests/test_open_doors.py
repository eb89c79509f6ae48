"""The doors that anyone may knock at: counted by address, with Redis and without."""

import ipaddress
import secrets
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import actions, tokens
from accounts.models import Session, User
from pneumatic.lib.http import doors as http
from pneumatic.lib.shared import redisscript

REFRESH = "/api/v1/auth/token/refresh/"


def _json(path: str, **body: str) -> Callable[[Client], int]:
    return lambda client: client.post(path, body, content_type="application/json").status_code


def _form(path: str) -> Callable[[Client], int]:
    return lambda client: client.post(path, {"username": "x", "password": "y"}).status_code


DOORS: dict[str, tuple[Callable[[Client], int], int]] = {
    "register": (_json("/api/v1/auth/register/", username="x"), 400),
    "sign in": (_json("/api/v1/auth/token/", username="x", password="y"), 401),
    "refresh": (_json(REFRESH, refresh="x.y.z"), 401),
    "browsable API": (_form("/api/v1/sign-in/login/"), 200),
    "administration": (_form("/admin/login/"), 200),
}


@pytest.fixture(params=["with its cache", "with Redis away"])
def limiter(
    request: pytest.FixtureRequest,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    db: None,
) -> None:
    """Where attempts are counted."""
    # No outage of another test, from which we would recover in the middle of this one.
    monkeypatch.setattr(redisscript, "_outage", redisscript._Outage())
    monkeypatch.setattr(http, "_cache_back_at", 0.0)
    if request.param == "with Redis away":
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": settings.REDIS_URL,
                "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
            }
        }


def _somewhere() -> Client:
    """A client of an address of its own: what a process counts by itself outlives a test."""
    return Client(REMOTE_ADDR=str(ipaddress.IPv4Address(b"\x0a" + secrets.token_bytes(3))))


@pytest.mark.usefixtures("limiter", "three_attempts")
@pytest.mark.parametrize(("knock", "answer"), DOORS.values(), ids=DOORS)
def test_an_open_door_lets_an_address_try_so_often_and_never_breaks(
    knock: Callable[[Client], int], answer: int
) -> None:
    here, there = _somewhere(), _somewhere()

    assert [knock(here) for _ in range(5)] == [answer] * 3 + [429] * 2
    assert knock(there) == answer


@pytest.mark.usefixtures("limiter", "three_attempts")
@pytest.mark.parametrize("as_cookie", [False, True])
def test_an_office_behind_one_address_renews_its_tokens_at_nine_oclock(
    settings: Settings, as_cookie: bool
) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 0, 5
    office = _somewhere()

    def renew(refresh: str) -> int:
        if as_cookie:
            office.cookies["pn_refresh"] = refresh
            return _json(REFRESH)(office)
        return _json(REFRESH, refresh=refresh)(office)

    people = [
        User.objects.create_user(f"person{number}", f"{number}@example.org") for number in range(8)
    ]
    devices = [actions.open_session(user=person) for person in people]
    assert [renew(tokens.issue(device).refresh) for device in devices] == [200] * 8
    # Each for themselves, as often as an address may try; and who guesses, as the address.
    mine = tokens.issue(Session.objects.get(pk=devices[0].pk)).refresh
    assert [renew(mine) for _ in range(4)] == [200] * 2 + [429] * 2
    assert [renew("x.y.z") for _ in range(4)] == [401] * 3 + [429]
    assert renew(tokens.issue(Session.objects.get(pk=devices[1].pk)).refresh) == 200


@pytest.mark.usefixtures("limiter")
@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        (REFRESH, '{"refresh": "x.y.z"}', 401),
        (REFRESH, '{"refresh": 7}', 400),
        (REFRESH, "[]", 400),
        (REFRESH, "{", 400),
        (REFRESH, "", 401),
        ("/api/v1/auth/token/", "{", 400),
        ("/api/v1/auth/logout-all/", "{}", 401),
    ],
)
def test_a_refusal_comes_out_of_the_addresss_budget(
    settings: Settings, path: str, body: str, answer: int
) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 0, 4
    client = _somewhere()

    knocks = [client.post(path, body, content_type="application/json") for _ in range(6)]

    assert [each.status_code for each in knocks] == [answer] * 4 + [429] * 2
    assert knocks[0]["RateLimit"] == '"hour";r=3;t=900'
