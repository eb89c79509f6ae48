"""The outermost layers: a name for each request, one line about it, and the probes."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

import structlog
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.utils.functional import SimpleLazyObject, empty

from pneumatic.lib import health, metrics
from pneumatic.lib.database.postgres import patience
from pneumatic.lib.database.threads import SECONDS
from pneumatic.lib.http.doors import client_address
from pneumatic.lib.ids import uuid7

log = structlog.get_logger("request")

GetResponse = Callable[[HttpRequest], HttpResponseBase]

#: Paths that machines ask for every few seconds; logged at DEBUG unless they fail.
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_HEADERS: Final = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class _Middleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response


class RequestContextMiddleware(_Middleware):
    """Names each request (``request.request_id``, ``X-Request-ID``) and logs it when answered.

    Inside the request every log line carries the name, and the database is waited for as long as
    ``in_database`` does. The query string is never logged.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        tokens = self._begin(request)
        started = time.perf_counter()
        try:
            with patience(SECONDS):
                response = self.get_response(request)
            self._finish(request, response, started)
        finally:
            structlog.contextvars.reset_contextvars(**tokens)
        return response

    def _begin(self, request: HttpRequest) -> Any:
        request_id = str(uuid7())
        request.request_id = request_id  # type: ignore[attr-defined]
        return structlog.contextvars.bind_contextvars(request_id=request_id)

    def _finish(self, request: HttpRequest, response: HttpResponseBase, started: float) -> None:
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        for name, value in (_HEADERS | getattr(request, "answer_headers", {})).items():
            response.headers.setdefault(name, value)
        if request.path.startswith("/api/"):
            # What it holds is one person's: no proxy, and no history of a browser, keeps it.
            response.headers.setdefault("Cache-Control", "no-store")
        if (
            isinstance(request, ASGIRequest)
            and isinstance(response, StreamingHttpResponse)
            and not response.is_async
        ):
            # A static file: else Django would warn, and read all of it into memory first.
            response.streaming_content = _in_threads(iter(response))
        quiet = request.path in PROBES and response.status_code < 500
        (log.debug if quiet else log.info)(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            ms=round((time.perf_counter() - started) * 1000, 1),
            user=_known_user(request),
            address=client_address(request),
        )


async def _in_threads(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    read = sync_to_async(lambda: next(chunks, b""), thread_sensitive=False)
    while chunk := await read():
        yield chunk


def _known_user(request: HttpRequest) -> str | None:
    """The user's id if something asked for the user already: logging must not query."""
    user: Any = getattr(request, "user", None)
    if user is None or (isinstance(user, SimpleLazyObject) and user._wrapped is empty):
        return None
    return str(user.pk) if user.is_authenticated else None


class ProbeMiddleware(_Middleware):
    """Answers probes before the host is checked: they come with the machine's own address."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return _probe(request) if request.path in PROBES else self.get_response(request)


def _probe(request: HttpRequest) -> HttpResponseBase:
    if request.path == "/healthz":
        return health.alive(request)
    if request.path == "/readyz":
        return health.ready(request)
    return metrics.exposition(request)
