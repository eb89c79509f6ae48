"""A request goes into its thread once, however many layers of middleware there are."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponse
from django.urls import path
from pytest_django import Settings

from pneumatic.lib.http import onethread
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


SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/where",
    "query_string": b"",
    "headers": [(b"host", b"testserver")],
}


async def answer(handler: OneThreadHandler) -> tuple[int, bytes]:
    asking: Any = ApplicationCommunicator(handler, SCOPE)  # type: ignore[no-untyped-call]  # untyped
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
    assert await answer(OneThreadHandler()) == (200, b"here")
    assert len(_threads) == 2
    assert len(set(_threads)) == 1
    assert threading.get_ident() not in _threads
    # That of the request; what Django's signals ask for before and after it; the answer's end.
    assert len(hops) <= 5 < len(settings.MIDDLEWARE)


async def test_a_thread_that_is_free_serves_the_next_request() -> None:
    _threads.clear()
    handler = OneThreadHandler()
    for _ in range(3):
        assert await answer(handler) == (200, b"here")
    assert len(set(_threads)) == 1


async def test_requests_at_once_have_a_thread_each_and_few_of_these_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onethread, "KEPT", 2)
    handler, everybody = OneThreadHandler(), threading.Barrier(5)
    monkeypatch.setattr(handler, "get_response", partial(_met, everybody, handler.get_response))
    _threads.clear()
    assert await asyncio.gather(*(answer(handler) for _ in range(5))) == [(200, b"here")] * 5
    assert len(set(_threads)) == 5
    assert len(handler._free) == 2


def _met(everybody: threading.Barrier, get_response: Any, request: HttpRequest) -> HttpResponse:
    everybody.wait(10)
    response: HttpResponse = get_response(request)
    return response


async def test_what_goes_on_after_its_request_failed_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handler, go_on = OneThreadHandler(), threading.Event()
    going_on: list[asyncio.Task[bool]] = []

    async def fail(*_: Any) -> None:
        going_on.append(asyncio.create_task(sync_to_async(go_on.wait)(10)))
        await asyncio.sleep(0)  # it begins
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(handler, "handle", fail)
        with pytest.raises(asyncio.CancelledError):
            await handler(SCOPE, None, None)
    assert await answer(handler) == (200, b"here")
    go_on.set()
    assert await asyncio.gather(*going_on) == [True]


async def test_a_client_that_leaves_takes_no_thread_along(monkeypatch: pytest.MonkeyPatch) -> None:
    handler, begun, go_on = OneThreadHandler(), threading.Event(), threading.Event()
    ended: list[int] = []

    def slowly(request: HttpRequest) -> HttpResponse:
        begun.set()
        assert go_on.wait(10)
        ended.append(threading.get_ident())
        return HttpResponse("late")

    with monkeypatch.context() as patched:
        patched.setattr(handler, "get_response", slowly)
        asking: Any = ApplicationCommunicator(handler, SCOPE)  # type: ignore[no-untyped-call]  # untyped
        await asking.send_input({"type": "http.request", "body": b""})
        assert await asyncio.to_thread(begun.wait, 10)
        await asking.send_input({"type": "http.disconnect"})
        asyncio.get_running_loop().call_later(0.1, go_on.set)
        await asking.wait(10)
    assert ended
    _threads.clear()
    assert await answer(handler) == (200, b"here")
    assert set(_threads) == set(ended)
