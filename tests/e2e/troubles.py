"""What a browser complains about, and what of it a test may expect."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from playwright.sync_api import BrowserContext, ConsoleMessage, Response, WebError


class Expected(NamedTuple):
    """A complaint that belongs to what is tested."""

    why: str
    text: str
    address: str


# Before anybody has signed in there is no cookie to be refreshed; the browser reports the answer.
NOBODY_YET = Expected("nobody is signed in", r"status of 401", r"/auth/token/refresh/$")
WRONG_PASSWORD = Expected("the password is wrong", r"status of 401", r"/auth/token/$")
REFUSED_FORM = Expected("a field is wrong", r"status of 400", r"/auth/register/$")
LINE_DOWN = Expected("the line is cut", r"net::ERR_|WebSocket connection to .* failed", r".*")
SIGNED_OUT = Expected("the session is over", r"status of 401", r"/api/v1/")
NOT_THERE = Expected("what was opened is not there", r"status of 40[34]", r"/api/v1/")


class Troubles:
    """Everything that went wrong in a browser context, apart from what was expected."""

    def __init__(self, context: BrowserContext) -> None:
        self.found: list[str] = []
        self._expected = {NOBODY_YET}
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("response", self._on_response)

    @contextmanager
    def expecting(self, *expected: Expected) -> Iterator[None]:
        """Let these pass for as long as the block lasts."""
        before = self._expected
        self._expected = before | set(expected)
        try:
            yield
        finally:
            self._expected = before

    def expect_from_now_on(self, *expected: Expected) -> None:
        """Let these pass until the end of the test."""
        self._expected |= set(expected)

    def _on_console(self, message: ConsoleMessage) -> None:
        text, address = message.text, message.location.get("url", "")
        # A violation of the Content-Security-Policy is never expected, whatever else it says.
        violation = "Content Security Policy" in text
        if message.type != "error" and not violation:
            return
        if violation or not self._is_expected(text, address):
            self.found.append(f"console: {text} ({address})")

    def _on_error(self, error: WebError) -> None:
        self.found.append(f"uncaught: {error.error}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.found.append(f"HTTP {response.status}: {response.request.method} {response.url}")

    def _is_expected(self, text: str, address: str) -> bool:
        return any(
            re.search(one.text, text) and re.search(one.address, address) for one in self._expected
        )
