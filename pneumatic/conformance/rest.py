"""REST, as any program would call it."""

import asyncio
import http.client
import json
import ssl
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from pneumatic.conformance.clauses import BrokenError

#: Seconds for one answer; how often, and for at most how many seconds, we wait when told to.
_TIMEOUT: Final = 20
_WAITS: Final = 4
_LONGEST_WAIT: Final = 65


@dataclass(frozen=True)
class Answer:
    """`body` is the decoded JSON, or the text where it was none; header names in lower case."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    def good(self, *statuses: int) -> Any:
        """The body; raises `BrokenError` where the status is none of these (none: any 2xx)."""
        if self.status in statuses or (not statuses and 200 <= self.status < 300):
            return self.body
        expected = " or ".join(map(str, statuses)) or "2xx"
        raise BrokenError(f"REST answered {self.status}, not {expected}: {str(self.body)[:200]}")


class Rest:
    """The doors under `/api/v1/` of one server."""

    def __init__(self, url: str) -> None:
        self.parts = urlsplit(url)
        #: Seconds that the server's rate limits made us wait.
        self.waited = 0.0

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        patient: bool = True,
    ) -> Answer:
        """One request; where the server says 429, wait as it wishes and ask again."""
        for _ in range(_WAITS):
            answer = await asyncio.to_thread(self._ask, method, path, body, token)
            wait = float(answer.headers.get("retry-after", "0") or 0)
            if answer.status != 429 or not patient or not 0 < wait <= _LONGEST_WAIT:
                break
            self.waited += wait
            await asyncio.sleep(wait)
        return answer

    def _ask(self, method: str, path: str, body: Any, token: str | None) -> Answer:
        host = self.parts.hostname or "localhost"
        connection: http.client.HTTPConnection
        if self.parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                host, self.parts.port, timeout=_TIMEOUT, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(host, self.parts.port, timeout=_TIMEOUT)
        headers = {"Accept": "application/json"}
        content = None
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        path = f"{self.parts.path.rstrip('/')}/api/v1/{path}"
        try:
            connection.request(method, path, body=content, headers=headers)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, _decoded(raw), found)


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")


def seconds_left(expires_at: str) -> float:
    """How long a token of this end is good, by our own clock."""
    return datetime.fromisoformat(expires_at.replace("Z", "+00:00")).timestamp() - time.time()
