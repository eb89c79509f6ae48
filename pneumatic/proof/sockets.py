"""How a device dials."""

from collections.abc import Callable

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

_OPEN_SECONDS = 5.0
_DRAWS = 10


class Doors:
    """Which process to dial: any, but not at once the one again that was found closed.

    As a load balancer does, which tries the next one.
    """

    def __init__(self, some: Callable[[], int]) -> None:
        self._some = some
        self.closed = 0

    def pick(self) -> int:
        """A port; the closed one only where there seems to be no other."""
        doors = (self._some() for _ in range(_DRAWS))
        return next((door for door in doors if door != self.closed), self.closed)


def dial(door: int) -> connect:
    """The socket of the process behind this port, to be awaited or entered."""
    return connect(
        f"ws://127.0.0.1:{door}/ws/",
        subprotocols=[Subprotocol("pneumatic.v1")],
        compression=None,
        # The protocol has a heartbeat of its own.
        ping_interval=None,
        open_timeout=_OPEN_SECONDS,
        close_timeout=1,
        max_size=None,
        proxy=None,
    )
