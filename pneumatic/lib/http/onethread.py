"""Django's ASGI handler, for views and middleware that are all ordinary functions.

Django's own runs each layer of the middleware as a coroutine, and hops into the request's thread
and back for what comes before and after it: twenty times, with our fourteen layers, which takes
longer than most requests do. Here all layers run in that thread, in one go.
"""

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class OneThreadHandler(ASGIHandler):
    """One hop for a request, into a thread of its own."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)
