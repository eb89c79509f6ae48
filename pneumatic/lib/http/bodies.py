"""Request bodies, bounded before anything reads them."""

from typing import Any, Final

from pneumatic.lib.errors import TooLarge
from pneumatic.lib.http import strictjson

#: Django would spool any amount to the disk before a view could refuse it.
MOST: Final = strictjson.MAX_BYTES + 64 * 1024


class BoundedBodies:
    """ASGI wrapper: answers 413 to bodies above `MOST` bytes, and gives chunked ones a length.

    Without a Content-Length Django REST framework takes a body for empty.
    """

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._application(scope, receive, send)
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MOST:
                await _refuse(send)
                return
        headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        messages = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def replay() -> Any:
            return messages.pop() if messages else await receive()

        await self._application({**scope, "headers": headers}, replay, send)


async def _refuse(send: Any) -> None:
    error = TooLarge(f"A request has at most {strictjson.MAX_BYTES} bytes.")
    body = strictjson.encode(
        {
            "type": "about:blank",
            "title": error.title,
            "status": error.status,
            "detail": error.detail,
            "code": error.code,
        }
    )
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
