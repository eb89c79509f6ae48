"""How a device dials."""

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

_OPEN_SECONDS = 5.0


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
