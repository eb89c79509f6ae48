"""A request goes into its thread once, however many layers of middleware there are."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponse
from django.urls import path
from pytest_django import Settings

from pneumatic.lib.http.onethread import OneThreadHandler

pytestmark = [pytest.mark.asyncio, pytest.mark.urls(__name__)]
_threads: list[int] = []


def where(request: HttpRequest) -> HttpResponse:
    _threads.append(threading.get_ident())
    return HttpResponse("here")


def note(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    def middleware(request: HttpRequest) -> HttpResponse:
        _threads.append(threading.get_ident())
        return get_response(request)

    return middleware


urlpatterns = [path("where", where)]


async def answer() -> tuple[int, bytes]:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/where",
        "query_string": b"",
        "headers": [(b"host", b"testserver")],
    }
    asking: Any = ApplicationCommunicator(OneThreadHandler(), scope)  # type: ignore[no-untyped-call]
    await asking.send_input({"type": "http.request", "body": b""})
    start = await asking.receive_output(10)
    body = await asking.receive_output(10)
    await asking.wait(10)
    return start["status"], body["body"]


async def test_all_layers_and_the_view_run_in_one_thread_that_is_not_the_loops(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.note"]
    hops: list[object] = []
    really = SyncToAsync.thread_handler

    def counted(self: SyncToAsync[Any, Any], *args: Any, **kwargs: Any) -> Any:
        hops.append(self.func)
        return really(self, *args, **kwargs)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(SyncToAsync, "thread_handler", counted)
    _threads.clear()
    assert await answer() == (200, b"here")
    assert len(_threads) == 2
    assert len(set(_threads)) == 1
    assert threading.get_ident() not in _threads
    # That of the request; what Django's signals ask for before and after it; the answer's end.
    assert len(hops) <= 5 < len(settings.MIDDLEWARE)
