"""What Prometheus gets to know of the chat; shown by `pneumatic.lib.metrics.exposition`."""

import time
from functools import cache
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SOCKETS: Final = Gauge(
    "pneumatic_sockets", "WebSockets that are open now.", multiprocess_mode="livesum"
)
MESSAGES: Final = Counter("pneumatic_messages", "Messages committed.", ["door"])
DELIVERY_SECONDS: Final = Histogram(
    "pneumatic_delivery_seconds",
    "From a commit to the write into a receiving socket: the latest one of each write together.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
DELIVERIES: Final = Counter("pneumatic_deliveries", "Events written into receiving sockets.")
SYNCS: Final = Counter("pneumatic_sync", "Synchronisations of one conversation.", ["kind"])
FRAMES: Final = Counter("pneumatic_frames", "Frames received from clients.", ["type"])
SOCKET_CLOSES: Final = Counter("pneumatic_socket_closes", "WebSockets that closed.", ["code"])

#: The counters of a type of frames, and of a door. Kept: to look one up takes longer than to count.
frames_of: Final = cache(FRAMES.labels)
messages_by: Final = cache(MESSAGES.labels)


def delivered(sockets: int, at: float) -> None:
    """Count what was just written into so many sockets and published ``at`` (epoch seconds).

    Once for all of them: to observe the time for each would cost more than to write to it.
    """
    DELIVERIES.inc(sockets)
    DELIVERY_SECONDS.observe(max(0.0, time.time() - at))
