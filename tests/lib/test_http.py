import json
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
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from structlog.testing import capture_logs

from pneumatic.lib import errors
from pneumatic.lib.http.doors import client_address
from pneumatic.lib.http.problems import problem_response

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
