"""What happens during a run: of the server, of the generator itself, and who holds whom up."""

import asyncio
import time
from collections.abc import Collection
from typing import Any

from bench.generator.connection import Counts
from bench.measures import Usage, spread, usage


class Watch:
    """From when it is made until `result`."""

    def __init__(self, counts: Counts, server_pids: Collection[int], sent: int) -> None:
        self._counts = counts
        self._pids = server_pids
        counts.latencies.clear()
        counts.ack_times.clear()
        #: Seconds by which the event loop was late; where it is, latencies are its own.
        self._lags: list[float] = []
        #: Seconds by which the latest message was sent too late.
        self.late = 0.0
        self._lagging = asyncio.create_task(self._watch_lag())
        self._server = usage(server_pids)
        self._own = usage(["self"])
        self._was = (sent, counts.delivered, counts.acks, counts.errors, counts.bytes, counts.reads)

    async def _watch_lag(self) -> None:
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            self._lags.append(time.monotonic() - due)

    def stop(self) -> None:
        self._lagging.cancel()

    def result(self, sent: int) -> dict[str, Any]:
        """Rates, latencies, and shares of a core; ``sent``: how many messages that were by now."""
        server, own, counts = usage(self._pids), usage(["self"]), self._counts
        was_sent, was_delivered, was_acks, was_errors, was_bytes, was_reads = self._was
        seconds = own.at - self._own.at
        delivered = counts.delivered - was_delivered
        cpu = server.cpu - self._server.cpu
        server_share, server_waits = _shares(self._server, server)
        own_share, own_waits = _shares(self._own, own)
        return {
            "seconds": round(seconds, 3),
            "sends_per_s": round((sent - was_sent) / seconds, 1),
            "deliveries_per_s": round(delivered / seconds, 1),
            "latency_ms": spread(counts.latencies, 1e-6),
            "ack_ms": spread(counts.ack_times, 1e-6),
            "server_ms_per_1000": round(cpu * 1e6 / delivered, 3) if delivered else None,
            "server_share": round(server_share, 3),
            "server_waits": round(server_waits, 3),
            "server_rss_kib": round(server.rss_kib),
            "client_share": round(own_share, 3),
            "client_waits": round(own_waits, 3),
            "client_lag_ms": spread(self._lags, 1e3),
            "client_late_ms": round(self.late * 1e3, 3),
            "bytes_per_delivery": round((counts.bytes - was_bytes) / max(1, delivered)),
            "deliveries_per_read": round(delivered / max(1, counts.reads - was_reads), 2),
            "acks": counts.acks - was_acks,
            "errors": counts.errors - was_errors,
            "first_error": counts.first_error,
            "closes": counts.closes_by_code(),
            "limit": limit(server_share + server_waits, own_share, own_share + own_waits),
        }


def _shares(before: Usage, after: Usage) -> tuple[float, float]:
    """Of the time between: how much of a core it had, and how long it waited for one."""
    seconds = after.at - before.at
    return (after.cpu - before.cpu) / seconds, (after.waited - before.waited) / seconds


def limit(server: float, own: float, own_with_waits: float) -> str:
    """What would have to be faster for more, from shares of a core (bench/README.md)."""
    if own >= 0.95:
        return "generator"
    if server >= 0.9:
        return "server"
    return "machine" if own_with_waits >= 0.95 else "waiting"
