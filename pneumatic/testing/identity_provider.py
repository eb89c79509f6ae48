"""A small OpenID Connect provider, for tests: a process of its own that speaks real HTTP."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from pneumatic.loopback.processes import Server, StartError, free_port, start_server
from pneumatic.settings import BASE_DIR
from pneumatic.testing.identity_provider_state import CLIENT_ID, CLIENT_SECRET

# A port may be taken between our finding it free and the provider's binding it.
ATTEMPTS = 3


class IdentityProvider:
    """A running provider. `people` maps logins to claims; `sub` is the login unless told."""

    def __init__(self, folder: Path, *, host: str = "127.0.0.1") -> None:
        self.folder = folder
        self.host = host
        self.port = free_port()
        self._server: Server | None = None
        # Made once: that takes longer than a request.
        self._client = httpx.Client(verify=False, trust_env=False, timeout=10)  # noqa: S501

    @property
    def issuer(self) -> str:
        """Its address, and its name in tokens."""
        return f"http://{self.host}:{self.port}/realm"

    @property
    def environment(self) -> dict[str, str]:
        """The settings with which a server uses it."""
        return {
            "OIDC_ISSUER": self.issuer,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "OIDC_NAME": "Example Provider",
        }

    def start(self) -> None:
        """Start it and wait until it answers."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._server = self._start()
            except StartError as error:
                if attempt == ATTEMPTS or "in use" not in str(error):
                    raise
                self.port = free_port()
            else:
                return

    def _start(self) -> Server:
        program = [sys.executable, "-m", "pneumatic.testing.identity_provider_process"]
        return start_server(
            ["/usr/bin/env", f"PYTHONPATH={BASE_DIR}", *program, str(self.port), self.issuer],
            log=self.folder / "provider.log",
            account=None,
            stop_signal=signal.SIGTERM,
            death_signal=signal.SIGKILL,
            ready=self.answers,
        )

    def stop(self) -> None:
        """End it."""
        if self._server is not None:
            self._server.stop()

    def close(self) -> None:
        """End it for good."""
        self.stop()
        self._client.close()

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return self._client.get(f"http://127.0.0.1:{self.port}/", timeout=2).status_code == 404
        except httpx.TransportError:
            return False

    def control(self, **changes: Any) -> None:
        """Tell it whom it knows and how to misbehave; what isn't named is as it was at start."""
        self._client.post(f"http://127.0.0.1:{self.port}/control", json=changes).raise_for_status()

    def seen(self) -> list[dict[str, Any]]:
        """What it was asked at the token endpoint, oldest first, without secrets."""
        seen: list[dict[str, Any]] = self._client.get(f"http://127.0.0.1:{self.port}/seen").json()
        return seen

    def authorize(self, url: str, login: str = "alice", *, answer: str = "yes") -> str:
        """What a person does in a browser: open the page, sign in; where they are sent then."""
        page = self._client.get(url)
        assert page.status_code == 200, page.text
        sent = self._client.post(url, data={"login": login, "answer": answer})
        assert sent.status_code == 303, sent.text
        return sent.headers["Location"]


@contextmanager
def running(folder: Path, *, host: str = "127.0.0.1") -> Iterator[IdentityProvider]:
    """A provider for as long as the block lasts."""
    provider = IdentityProvider(folder, host=host)
    provider.start()
    try:
        yield provider
    finally:
        provider.close()
