import io
import json
import uuid
from typing import Any

import pytest
from django.http import FileResponse, HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from pytest_django import Settings
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from pneumatic.urls import handler400, handler403, handler404, handler500  # noqa: F401


def _seen(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_contextvars()["request_id"])


async def _seen_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_contextvars()["request_id"])


def _fails(request: HttpRequest) -> HttpResponse:
    raise ValueError("inside")


def _rated(request: HttpRequest) -> HttpResponse:
    request.answer_headers = {"RateLimit": '"minute";r=1;t=2'}  # type: ignore[attr-defined]
    return HttpResponse()


def _file(request: HttpRequest) -> FileResponse:
    return FileResponse(io.BytesIO(b"0123456789" * 100_000))


urlpatterns = [
    path("file", _file),
    path("seen", _seen),
    path("seen-async", _seen_async),
    path("fails", _fails),
    path("api/fails", _fails),
    path("rated", _rated),
]

pytestmark = pytest.mark.urls(__name__)


def _requests(lines: list[Any]) -> list[Any]:
    return [line for line in lines if line["event"] == "request"]


def test_a_request_has_one_name_inside_outside_and_in_the_log(client: Client) -> None:
    with capture_logs() as lines:
        response = client.get("/seen?token=canary", headers={"user-agent": "x"})
    name = response["X-Request-ID"]
    assert response.content.decode() == name
    assert uuid.UUID(name).version == 7
    assert get_contextvars() == {}
    [line] = _requests(lines)
    assert line["ms"] >= 0
    assert {key: line[key] for key in ("method", "path", "status", "user", "address")} == {
        "method": "GET",
        "path": "/seen",
        "status": 200,
        "user": None,
        "address": "127.0.0.1",
    }
    assert "canary" not in str(lines)


@pytest.mark.asyncio
@pytest.mark.parametrize("page", ["/seen", "/seen-async"])
async def test_the_same_in_the_event_loop(async_client: AsyncClient, page: str) -> None:
    with capture_logs() as lines:
        response = await async_client.get(page)
    assert response.content.decode() == response["X-Request-ID"]
    assert [line["path"] for line in _requests(lines)] == [page]


def test_a_name_from_outside_is_not_believed(client: Client) -> None:
    response = client.get("/seen", headers={"x-request-id": "forged"})
    assert response["X-Request-ID"] != "forged"


def test_answers_carry_the_limits_that_were_found_on_the_way(client: Client) -> None:
    assert client.get("/rated")["RateLimit"] == '"minute";r=1;t=2'


def test_answers_forbid_what_the_pages_never_use(client: Client) -> None:
    response = client.get("/seen")
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in response["Permissions-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]


@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.django_db
def test_probes_are_answered_whatever_the_host(
    client: Client, settings: Settings, address: str
) -> None:
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    with capture_logs() as lines:
        assert client.get(address, headers={"host": "10.0.0.7:8000"}).status_code == 200
        assert client.get("/seen", headers={"host": "10.0.0.7"}).status_code in (301, 400)
    assert [line["log_level"] for line in _requests(lines)] == ["debug", "info"]


@pytest.mark.asyncio
async def test_probes_are_answered_in_the_event_loop(async_client: AsyncClient) -> None:
    response = await async_client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.fixture
def lenient(client: Client) -> Client:
    client.raise_request_exception = False
    return client


def test_a_failure_of_the_api_is_a_problem_object(lenient: Client) -> None:
    response = lenient.get("/api/fails")
    assert response.status_code == 500
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert body["code"] == "internal"
    assert body["request_id"] == response["X-Request-ID"]
    assert "inside" not in response.content.decode()


@pytest.mark.asyncio
async def test_so_it_is_in_the_event_loop(async_client: AsyncClient) -> None:
    async_client.raise_request_exception = False
    response = await async_client.get("/api/fails")
    assert (response.status_code, json.loads(response.content)["code"]) == (500, "internal")


def test_a_missing_api_address_is_a_problem_object(lenient: Client) -> None:
    response = lenient.get("/api/nothing/")
    assert (response.status_code, json.loads(response.content)["code"]) == (404, "not_found")


def test_pages_fail_as_pages(lenient: Client) -> None:
    for address, status in (("/fails", 500), ("/nothing", 404)):
        response = lenient.get(address)
        assert response.status_code == status
        assert response["Content-Type"].startswith("text/html")
        assert "inside" not in response.content.decode()


@pytest.mark.asyncio
async def test_a_file_is_streamed_in_the_event_loop_without_a_warning(
    async_client: AsyncClient,
) -> None:
    response: Any = await async_client.get("/file")
    assert response.is_async
    content = b"".join([chunk async for chunk in response])
    assert content == b"0123456789" * 100_000


def test_a_file_is_streamed_by_a_synchronous_server_too(client: Client) -> None:
    response = client.get("/file")
    assert len(b"".join(response.streaming_content)) == 1_000_000  # type: ignore[attr-defined]
