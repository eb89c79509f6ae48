"""Ten thousand devices on one process: to open, to keep, and what they cost doing nothing."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from bench.rig.ours import Ours
from bench.rig.stores import Stores

#: As docs/protocol.md asks of every device.
HEARTBEAT_SECONDS = 25.0


def run(
    stores: Stores,
    *,
    devices: Sequence[int] = (1000, 10_000),
    conversations: int = 20,
    group: int = 10,
    seconds: float = 30.0,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """By number of devices, each in so many conversations of ``group`` people."""
    found: dict[str, Any] = {}
    for number in devices:
        with ExitStack() as stack:
            server = Ours(stack, stores, f"idle-{number}")
            seeded = server.seed(number, group, conversations)
            server.serve()
            generator = server.generator("idle", seeded, group)
            opened = generator.ask("open", at_once=100, seconds=30.0, attempts=5, settle=60.0)
            tell(f"{number} devices: {opened}")
            each = {"opened": opened}
            if opened["sockets"] == number:
                beats = generator.ask("heartbeats", seconds=seconds, every=HEARTBEAT_SECONDS)
                tell(f"{number} devices' heartbeats: {beats}")
                each["heartbeats"] = beats
            found[str(number)] = each
    return found
