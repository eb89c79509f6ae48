"""Django's ASGI handler, for views and middleware that are all ordinary functions.

Django's own runs each layer of the middleware as a coroutine, and hops into the request's thread
and back for what comes before and after it: twenty times, with our fourteen layers, which takes
longer than most requests do. Here all layers run in that thread, in one go.

It also begins a thread for each request, and one more that waits for its end: a third of a
millisecond of CPU. Here a thread that has become free serves the next request.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: Threads that wait for a request; those that many requests at once need besides end with them.
KEPT: Final = 16


class OneThreadHandler(ASGIHandler):
    """One hop for a request, into a thread that it has for itself."""

    def __init__(self) -> None:
        super().__init__()
        self._free: list[ThreadPoolExecutor] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            thread = self._free.pop()
        except IndexError:
            thread = ThreadPoolExecutor(1, "request")
        is_free = False
        try:
            async with ThreadSensitiveContext(executor=thread):
                await super().__call__(scope, receive, send)
            # Even where the client left, whose call goes on in the thread: then Django has waited
            # for what `request_finished` calls, and that comes after it in the same thread.
            is_free = True
        finally:
            if is_free and len(self._free) < KEPT:
                self._free.append(thread)
            else:
                thread.shutdown(wait=False)

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)
