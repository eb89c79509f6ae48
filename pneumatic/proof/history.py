"""What a device did and saw, one JSON object a line, in the order in which it happened.

Every line has `t`, seconds since the epoch that only run forwards, and `e`, what happened:

| `e` | and | |
|---|---|---|
| `open` | `door` | a socket was opened to this process |
| `close` | `code`, `door`, `mine` | it ended; `mine`: by this device itself |
| `gave up` | | nothing was heard for two heartbeats |
| `later` | `id`, `code` | the server is busy, or its stores are away |
| `authed` | | a new access token is in force on the open socket |
| `resync` | | the server may have missed events |
| `send` | `id`, `c`, `via` | a message left for conversation `c`, maybe again |
| `ack` | `id`, `c`, `s`, `v`, `dup`, `via` | it is stored at place `s`, version `v` |
| `refused` | `id`, `code` | the server said no |
| `in` | `c`, `y`, `rows`, `known`, … | `[kind, key, version, seq]` came; now up to `known` |
| `out` | `c` | the conversation was taken away |
| `at` | `c`, `u`, `read`, `got` | how far a person has read and received |
"""

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

_OFFSET = time.time() - time.monotonic()


def now() -> float:
    """Seconds since the epoch, by a clock that never steps: comparable in this process only."""
    return time.monotonic() + _OFFSET


class History:
    """One device's file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=1 << 16)
        self._encode = msgspec.json.Encoder().encode

    def write(self, event: str, **fields: Any) -> None:
        self._file.write(self._encode({"t": round(now(), 6), "e": event, **fields}) + b"\n")

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a history that was closed."""
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open("rb") as file:
        for line in file:
            yield decode(line)
