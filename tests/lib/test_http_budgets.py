"""How much one may ask over HTTP, signed in or not."""

import uuid
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework import exceptions as rest_errors
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from structlog.testing import capture_logs

from accounts.models import User
from pneumatic.lib import errors
from pneumatic.lib.http import doors as http
from pneumatic.lib.shared.ratelimit import LocalBuckets

make = APIRequestFactory()


class _Anyone(BaseAuthentication):
    def authenticate(self, request: Request) -> None:
        return None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="test"'


class _Open(APIView):
    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> Response:
        return Response({})

    post = get


@pytest.mark.usefixtures("no_redis")
def test_a_read_costs_a_tenth_and_the_refusal_says_how_long_to_wait(settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 3, 1001
    view = _Open.as_view()
    for _ in range(20):
        assert view(make.get("/", REMOTE_ADDR="192.0.2.7")).status_code == 200
    assert view(make.post("/", REMOTE_ADDR="192.0.2.7")).status_code == 200
    request = make.post("/", REMOTE_ADDR="192.0.2.7")
    refused = view(request)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) in range(1, 21)
    headers = request.answer_headers  # type: ignore[attr-defined]
    assert headers["RateLimit-Policy"] == '"minute";q=3;w=60, "hour";q=1001;w=3600'
    assert headers["RateLimit"].startswith('"minute";r=0;t=6')
    assert view(make.post("/", REMOTE_ADDR="192.0.2.8")).status_code == 200


class _Closed(_Open):
    authentication_classes = [_Anyone]
    permission_classes = [IsAuthenticated]


class _Forged(_Closed):
    class _Refusing(_Anyone):
        def authenticate(self, request: Request) -> None:
            raise rest_errors.AuthenticationFailed

    authentication_classes = [_Refusing]


@pytest.mark.usefixtures("no_redis")
@pytest.mark.parametrize(("view", "address"), [(_Closed, "192.0.2.9"), (_Forged, "192.0.2.12")])
def test_a_401_is_charged_to_the_address(
    settings: Settings, view: type[APIView], address: str
) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 3, 1002
    ask = view.as_view()
    requests = [make.post("/", REMOTE_ADDR=address) for _ in range(4)]
    answers = [ask(request) for request in requests]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert int(answers[3]["Retry-After"]) in range(1, 21)
    assert "WWW-Authenticate" not in answers[3]
    left = [request.answer_headers["RateLimit"].split(";")[1] for request in requests]  # type: ignore[attr-defined]
    assert left == ["r=2", "r=1", "r=0", "r=0"]
    assert _Open.as_view()(make.post("/", REMOTE_ADDR=address)).status_code == 429
    assert ask(make.post("/", REMOTE_ADDR="192.0.2.10")).status_code == 401


class _SignedIn(_Open):
    class _Somebody(BaseAuthentication):
        def authenticate(self, request: Request) -> tuple[Any, None]:
            return User(pk=uuid.UUID(int=7)), None

    authentication_classes = [_Somebody]


@pytest.mark.usefixtures("no_redis")
def test_a_401_that_a_view_raises_itself_is_charged_once_and_to_the_user(
    settings: Settings,
) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 2, 1003

    class Raising(_SignedIn):
        def post(self, request: Request) -> Response:
            raise errors.Unauthenticated

    tried = [Raising.as_view()(make.post("/", REMOTE_ADDR="192.0.2.11")) for _ in range(3)]
    assert [answer.status_code for answer in tried] == [401, 401, 429]
    assert _Open.as_view()(make.post("/", REMOTE_ADDR="192.0.2.11")).status_code == 200


class _Guarded(APIView):
    authentication_classes = []
    permission_classes = []

    @http.guarded("door")
    def post(self, request: Request) -> Response:
        return Response({})


class _OtherGuarded(_Guarded):
    @http.guarded("other door")
    def post(self, request: Request) -> Response:
        return Response({})


@pytest.fixture
def three_attempts(three_attempts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_anonymous", LocalBuckets())
    monkeypatch.setattr(http, "_cache_back_at", 0.0)


def _try(view: type[APIView], address: str) -> Any:
    return view.as_view()(make.post("/", REMOTE_ADDR=address))


@pytest.mark.usefixtures("three_attempts")
def test_one_address_may_try_so_often_at_one_door() -> None:
    tried = [_try(_Guarded, "192.0.2.7") for _ in range(4)]
    assert [response.status_code for response in tried] == [200, 200, 200, 429]
    assert 1 <= int(tried[-1]["Retry-After"]) <= 60
    assert _try(_Guarded, "192.0.2.8").status_code == 200
    assert _try(_OtherGuarded, "192.0.2.7").status_code == 200


@pytest.mark.usefixtures("three_attempts")
def test_many_addresses_do_not_make_the_guard_forget_one() -> None:
    tried = [_try(_Guarded, "192.0.2.7") for _ in range(4)]
    for number in range(400):
        _try(_Guarded, f"198.51.{number // 200}.{number % 200}")
    assert tried[-1].status_code == _try(_Guarded, "192.0.2.7").status_code == 429


@pytest.mark.usefixtures("three_attempts")
def test_an_ipv6_network_is_one_address() -> None:
    tried = [_try(_Guarded, f"2001:db8::{number}") for number in range(1, 5)]
    assert [response.status_code for response in tried] == [200, 200, 200, 429]


@pytest.mark.usefixtures("three_attempts")
def test_without_its_cache_the_door_counts_for_itself(settings: Settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    with capture_logs() as lines:
        tried = [_try(_Guarded, "192.0.2.7").status_code for _ in range(4)]
    assert tried == [200, 200, 200, 429]
    assert [line["event"] for line in lines] == ["cache_down"]


def test_zero_lifts_the_guard(settings: Settings) -> None:
    settings.ANONYMOUS_ATTEMPTS_PER_MINUTE = 0
    assert {_try(_Guarded, "192.0.2.7").status_code for _ in range(100)} == {200}
