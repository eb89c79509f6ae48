"""Requests that we make ourselves: bounded in time and size, and never sent elsewhere."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import Any, Final, TypeVar

import requests
from requests.adapters import HTTPAdapter

T = TypeVar("T")

#: How long a call of ``in_time`` lasts at most, in seconds: name lookup and waiting included.
SECONDS: Final = 8.0
#: How long a connection may take, and how long the other side may say nothing, in seconds.
CONNECT_SECONDS, SILENT_SECONDS = 3.0, 4.0
#: The longest answer that is read, in bytes, after decompression.
LONGEST_ANSWER: Final = 256 * 1024
#: How many of our requests each process has under way; more wait for their turn.
AT_ONCE: Final = 4


class Unreachable(Exception):
    """There is no usable answer: none in time, too long a one, or one that points elsewhere."""


class BoundedAdapter(HTTPAdapter):
    """Sends the requests of a ``requests`` session, and reads each answer within the bounds.

    Raises ``Unreachable`` where an answer is too long, too slow, or a redirection: a server that
    was asked for a secret thing must not be able to have it asked for somewhere else.
    """

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """As the base class, with bounds of its own in place of ``stream`` and ``timeout``."""
        deadline = time.monotonic() + SECONDS
        answer = super().send(
            request,
            stream=True,
            timeout=(CONNECT_SECONDS, SILENT_SECONDS),
            verify=verify,
            cert=cert,
            proxies=dict(proxies) if proxies else None,
        )
        try:
            if answer.is_redirect or 300 <= answer.status_code < 400:
                raise Unreachable("it redirects")
            body = bytearray()
            for chunk in answer.iter_content(8192):
                body += chunk
                if len(body) > LONGEST_ANSWER:
                    raise Unreachable(f"its answer is longer than {LONGEST_ANSWER} bytes")
                if time.monotonic() > deadline:
                    raise Unreachable(f"its answer takes longer than {SECONDS:.0f} s")
        finally:
            answer.close()
        # What the library does itself when it has read an answer in one piece.
        answer._content = bytes(body)
        return answer


def bound(session: requests.Session) -> None:
    """Let ``session`` send all its requests through a ``BoundedAdapter``."""
    adapter = BoundedAdapter()
    session.mount("https://", adapter)
    session.mount("http://", adapter)


@cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="outbound")


def in_time(work: Callable[[], T]) -> T:
    """What ``work`` returns, if it does within ``SECONDS``; raises ``Unreachable`` if it doesn't.

    It runs in a thread of its own: sockets bound the silence between two bytes, but not how many
    of them trickle in. One that is given up ends by itself, and keeps its place until then.
    """
    done = _executor().submit(copy_context().run, work)
    try:
        return done.result(SECONDS)
    except TimeoutError as error:
        if not done.done():
            done.cancel()
            raise Unreachable(f"no answer within {SECONDS:.0f} s") from error
        raise
