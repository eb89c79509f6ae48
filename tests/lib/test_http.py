import json
import uuid
from typing import Any

import pytest
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest
from django_ratelimit.exceptions import Ratelimited
from psycopg_pool import PoolTimeout
from pytest_django import Settings
from rest_framework import exceptions as rest_errors
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from structlog.testing import capture_logs

from accounts.models import User
from pneumatic.lib import errors, http
from pneumatic.lib.http import client_address
from pneumatic.lib.problems import problem_response
from pneumatic.lib.ratelimit import LocalBuckets

make = APIRequestFactory()


# --- Who is asking ---


def _scope(peer: str, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"client": (peer, 1234), "headers": [(b"host", b"x"), *headers]}


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "address"),
    [
        (0, "198.51.100.1", "203.0.113.9", "198.51.100.1"),
        (1, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (2, "10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1", "", "10.0.0.1"),
        (1, "10.0.0.1", "nonsense", "10.0.0.1"),
        (1, "10.0.0.1", "1.1.1.1, <script>", "10.0.0.1"),
        (1, "10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        (1, "10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "10.0.0.1", "2001:DB8::0001", "2001:db8::1"),
        (1, "10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        (0, "fe80::1%eth0", "", "fe80::1"),
        (0, "", "", ""),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(
    settings: Settings, proxies: int, peer: str, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = make.get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address
    assert client_address(Request(request)) == address
    assert client_address(_scope(peer, forwarded)) == address


def test_a_header_sent_twice_counts_as_one_list(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    assert client_address(_scope("10.0.0.1", "1.1.1.1", "203.0.113.9")) == "203.0.113.9"


def test_a_unix_socket_has_no_address() -> None:
    assert client_address({"client": None, "headers": []}) == ""


# --- How failures are told ---


class _Anyone(BaseAuthentication):
    def authenticate(self, request: Request) -> None:
        return None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="test"'


def _answer(error: Exception, **headers: str) -> Response:
    class Failing(APIView):
        authentication_classes = [_Anyone]
        permission_classes = []

        def get(self, request: Request) -> Response:
            raise error

    response = Failing.as_view()(make.get("/", headers=headers))
    assert isinstance(response, Response)
    response.render()
    return response


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        *[(each("Because."), each.status, each.code) for each in errors.ALL],
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "forbidden"),
        (Ratelimited(), 429, "rate_limited"),
        (RequestDataTooBig(), 413, "too_large"),
        (SuspiciousOperation("inside"), 400, "invalid"),
        (BadRequest("inside"), 400, "invalid"),
        (OperationalError("inside"), 503, "unavailable"),
        (InterfaceError("inside"), 503, "unavailable"),
        (PoolTimeout("inside"), 503, "unavailable"),
        (rest_errors.NotAuthenticated(), 401, "unauthenticated"),
        (rest_errors.PermissionDenied(), 403, "forbidden"),
        (rest_errors.NotFound(), 404, "not_found"),
        (rest_errors.ParseError(), 400, "invalid"),
        (rest_errors.MethodNotAllowed("PUT"), 405, "invalid"),
        (rest_errors.UnsupportedMediaType("x/y"), 415, "invalid"),
        (rest_errors.Throttled(wait=3), 429, "rate_limited"),
        (ValueError("inside"), 500, "internal"),
        (RecursionError("inside"), 500, "internal"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_failure_is_a_problem_object(error: Exception, status: int, code: str) -> None:
    response = _answer(error)
    body = json.loads(response.content)
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert response["Content-Type"] == "application/problem+json"
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"]
    assert "inside" not in response.content.decode()
    assert ("WWW-Authenticate" in response) == (status == 401)


def test_what_nobody_foresaw_is_logged_with_its_traceback() -> None:
    with capture_logs() as lines:
        _answer(ValueError("inside"))
    assert [line["event"] for line in lines] == ["request_failed"]
    assert isinstance(lines[0]["exc_info"], ValueError)


def test_what_was_expected_is_not_logged() -> None:
    with capture_logs() as lines:
        _answer(errors.NotFound())
        _answer(rest_errors.ParseError())
    assert lines == []


def test_the_challenge_is_the_doors_own() -> None:
    assert _answer(errors.Unauthenticated())["WWW-Authenticate"] == 'Bearer realm="test"'


def test_retry_after_is_in_whole_seconds_and_never_zero() -> None:
    response = _answer(errors.RateLimited(retry_after=0.2))
    assert response["Retry-After"] == "1"
    assert json.loads(response.content)["retry_after"] == 1
    assert _answer(errors.Unavailable(retry_after=2.1))["Retry-After"] == "3"


class _Row(serializers.Serializer[Any]):
    role = serializers.CharField()


class _Form(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=3)
    tags = serializers.ListField(child=serializers.IntegerField())
    rows = _Row(many=True)


def test_wrong_fields_are_named_by_flat_paths() -> None:
    form = _Form(data={"title": "long", "tags": [1, "x"], "rows": [{"role": "a"}, {}]})
    assert not form.is_valid()
    body = json.loads(_answer(rest_errors.ValidationError(form.errors)).content)
    assert body["code"] == "invalid"
    assert body["detail"] == "Check these fields: title, tags.1, rows.1.role."
    assert body["errors"] == {
        "title": ["Ensure this field has no more than 3 characters."],
        "tags.1": ["A valid integer is required."],
        "rows.1.role": ["This field is required."],
    }


@pytest.mark.parametrize("detail", ["No.", ["No."], {"non_field_errors": ["No."]}])
def test_what_is_wrong_with_the_whole_stands_in_the_detail(detail: Any) -> None:
    body = json.loads(_answer(rest_errors.ValidationError(detail)).content)
    assert body["detail"] == "No."
    assert body["errors"] == {"non_field_errors": ["No."]}


def test_fields_of_our_own_errors_are_told() -> None:
    body = json.loads(_answer(errors.Invalid("No.", fields={"title": ["Too long."]})).content)
    assert body["errors"] == {"title": ["Too long."]}


def test_a_door_that_is_not_rests_tells_the_same_way() -> None:
    request = HttpRequest()
    request.request_id = "r1"  # type: ignore[attr-defined]
    response = problem_response(errors.RateLimited(retry_after=5), request)
    assert response["Content-Type"] == "application/problem+json"
    assert response["Retry-After"] == "5"
    assert json.loads(response.content) == {
        "type": "about:blank",
        "title": "Too many requests; wait a moment.",
        "status": 429,
        "detail": "Too many requests; wait a moment.",
        "code": "rate_limited",
        "retry_after": 5,
        "request_id": "r1",
    }


# --- How much one may ask ---


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
def three_attempts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ANONYMOUS_ATTEMPTS_PER_MINUTE = 3
    monkeypatch.setattr(http, "_anonymous", LocalBuckets())
    monkeypatch.setattr(http, "_cache_back_at", 0.0)
    # Else a window of django-ratelimit's could end in the middle of the test.
    monkeypatch.setattr("django_ratelimit.core.time.time", lambda: 1_700_000_000.0)


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
