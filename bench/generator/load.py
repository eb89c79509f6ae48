"""What the sockets do together: open, send at a rate or as fast as the server can, be counted."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from itertools import cycle
from typing import Any, Final

from bench.generator.connection import Connection, Counts, connect
from bench.generator.tally import stamp
from bench.generator.watch import Watch
from bench.generator.websocket import WebSocket
from bench.generator.xmpp import Xmpp
from bench.measures import Usage, spread, usage

#: Characters of each message's body.
BODY_CHARS: Final = 250
_FILLER: Final = "Nothing but air, and what it carries. " * 10
#: Without any delivery for so long, what is missing counts as lost, and sending goes on.
_STALLED_SECONDS: Final = 1.0
#: After a run: without any delivery for so long, what is missing won't come.
_LOST_SECONDS: Final = 6.0
_PING: Final = b'{"type":"ping"}'
#: What a device says of itself in a sync.
_KNOWN: Final = ("epoch", "versions")


class Load:
    """A crowd of devices, each with one conversation that it writes to."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.counts = Counts()
        #: Sockets that hear each message.
        self.group: int = plan["group"]
        self._devices: list[dict[str, Any]] = plan["devices"]
        self._acks: bool = plan.get("acks", True)
        self._server: list[int] = plan.get("server_pids", [])
        self.connections: list[Connection] = []
        self._writers: Sequence[tuple[Connection, str]] = []
        self._sent = 0
        self._watch: Watch | None = None

    # --- Opening --------------------------------------------------------------------------------

    async def open(self, *, at_once: int, seconds: float, attempts: int) -> dict[str, Any]:
        """Open all, ``at_once`` at the same time, each within ``seconds``.

        One that fails tries again as a client must: later each time, and not all together.
        """
        begun, before = time.monotonic(), self._usage()
        limit = asyncio.Semaphore(at_once)
        failures: list[str] = []
        durations: list[float] = []

        async def one(device: dict[str, Any]) -> Connection | None:
            async with limit:
                start = time.monotonic()
                for attempt in range(attempts):
                    try:
                        found = _connection(self.counts, device)
                        await connect(found, device["port"], seconds=seconds)
                    except (OSError, TimeoutError) as error:
                        failures.append(f"{type(error).__name__} {error}")
                        await asyncio.sleep(random.uniform(0, min(30, 0.5 * 2**attempt)))
                        continue
                    durations.append(time.monotonic() - start)
                    return found
            return None

        found = await asyncio.gather(*(one(device) for device in self._devices))
        self.connections = [each for each in found if each is not None]
        self._writers = [
            (each, device["conversation"])
            for each, device in zip(found, self._devices, strict=True)
            if each is not None
        ]
        after = self._usage()
        return {
            "sockets": len(self.connections),
            "failed_attempts": len(failures),
            "first_failure": failures[0] if failures else self.counts.first_error,
            "seconds": round(time.monotonic() - begun, 3),
            "each_ms": spread(durations, 1e3),
            "server_cpu_s": round(after.cpu - before.cpu, 3),
            "kib_per_socket": round((after.rss_kib - before.rss_kib) / max(1, len(found)), 1),
            "server_rss_kib": round(after.rss_kib),
        }

    async def settle(self, seconds: float) -> float:
        """Wait until nothing arrives any more (presence, for one); how long that took."""
        begun = time.monotonic()
        while time.monotonic() < begun + seconds:
            reads, at = self.counts.reads, self._usage()
            await asyncio.sleep(0.5)
            now = self._usage()
            busy = (now.cpu - at.cpu) / (now.at - at.at)
            if self.counts.reads - reads < 10 and busy < 0.2:
                break
        return round(time.monotonic() - begun, 2)

    # --- Sending --------------------------------------------------------------------------------

    async def run(
        self,
        *,
        seconds: float,
        warm: float = 1.0,
        window: int = 0,
        rate: float = 0.0,
        sample: int = 1,
    ) -> dict[str, Any]:
        """Send for ``warm`` + ``seconds``, and measure the latter.

        With ``window``, so many messages are always on their way, which is as fast as the server
        can; with ``rate``, so many are sent a second, whatever comes back. Each ``sample``-th
        carries the time at which it was sent. `sent` of the result are all of them, those of the
        warming included.
        """
        sender = asyncio.create_task(
            self._at_rate(rate, sample) if rate else self._in_window(window, sample)
        )
        try:
            await self._sleep(warm, sender)
            self._watch = Watch(self.counts, self._server, self._sent)
            try:
                await self._sleep(seconds, sender)
                result = self._watch.result(self._sent)
            finally:
                self._watch.stop()
                self._watch = None
        finally:
            sender.cancel()
            await asyncio.wait([sender])
        result["sent"] = self._sent
        result["missing"] = await self._missing()
        return result

    @staticmethod
    async def _sleep(seconds: float, sender: "asyncio.Task[None]") -> None:
        """While the sender works. Raises what it ended with."""
        done, _ = await asyncio.wait([sender], timeout=seconds)
        for each in done:
            each.result()

    async def _in_window(self, window: int, sample: int) -> None:
        """Counted by deliveries, so that it works with any server, one without acks included."""
        counts, limit = self.counts, window * self.group
        writers = cycle(self._writers)
        loop = asyncio.get_running_loop()
        sent, base, running = 0, counts.delivered, True

        def pump() -> None:
            nonlocal sent
            while running and sent * self.group - (counts.delivered - base) < limit:
                self._send(*next(writers), sampled=sent % sample == 0)
                sent += 1
            if running:
                counts.wake_at = base + sent * self.group - limit + 1

        counts.wake = lambda: loop.call_soon(pump)
        try:
            while True:
                pump()
                seen = counts.delivered
                await asyncio.sleep(_STALLED_SECONDS)
                if counts.delivered == seen:
                    base = seen - sent * self.group
        finally:
            running = False

    async def _at_rate(self, rate: float, sample: int) -> None:
        begun, sent = time.monotonic(), 0
        writers = cycle(self._writers)
        while True:
            due = begun + sent / rate
            now = time.monotonic()
            if now < due:
                await asyncio.sleep(min(due - now, 0.05))
                continue
            if self._watch is not None:
                self._watch.late = max(self._watch.late, now - due)
            self._send(*next(writers), sampled=sent % sample == 0)
            sent += 1

    def _send(self, connection: Connection, conversation: str, *, sampled: bool) -> None:
        if connection.closed:
            return
        head = ""
        if sampled:
            now = time.monotonic_ns()
            connection.stamped.add(now)
            head = stamp(now)
        body = head + _FILLER[: BODY_CHARS - len(head)]
        connection.send(connection.message(conversation, body), acknowledged=self._acks)
        self._sent += 1

    async def _missing(self) -> int:
        """Deliveries of what was sent that never come; waits while they still do."""
        due, seen, moved = self._sent * self.group, -1, time.monotonic()
        until = moved + 30
        while self.counts.delivered < due and time.monotonic() < min(until, moved + _LOST_SECONDS):
            if self.counts.delivered != seen:
                seen, moved = self.counts.delivered, time.monotonic()
            await asyncio.sleep(0.1)
        missing = due - self.counts.delivered
        self._sent, self.counts.delivered = 0, 0
        return missing

    async def heartbeats(self, *, seconds: float, every: float) -> dict[str, Any]:
        """What devices that do nothing say: each ``every`` seconds a ping and a sync of all.

        Measured for so many ``seconds`` once each has said it. Before that many have been silent
        for longer than a device is, while the others opened, and are asked whether they are there.
        """
        said = [
            (each, json.dumps({"type": "sync", **{key: device[key] for key in _KNOWN}}).encode())
            for each, device in zip(self.connections, self._devices, strict=True)
        ]
        counts = self.counts
        counts.watch_synced, counts.synced, counts.errors = True, 0, 0
        begun, sent, before = time.monotonic(), 0, self._usage()
        while (now := time.monotonic()) < begun + every + seconds:
            if before.at < begun + every <= now:
                before = self._usage()
            for _ in range(int((now - begun) * len(said) / every) - sent):
                connection, sync = said[sent % len(said)]
                if not connection.closed:
                    connection.send(_PING, acknowledged=False)
                    connection.send(sync, acknowledged=False)
                sent += 1
            await asyncio.sleep(0.005)
        after = self._usage()
        await asyncio.sleep(_STALLED_SECONDS)
        counts.watch_synced = False
        return {
            "seconds": round(after.at - before.at, 2),
            "beats": sent,
            "answered": counts.synced,
            "server_share": round((after.cpu - before.cpu) / (after.at - before.at), 4),
            "errors": counts.errors,
            "first_error": counts.first_error,
            "closes": self.counts.closes_by_code(),
        }

    async def revoked(self, *, seconds: float) -> dict[str, Any]:
        """Wait until every socket was closed; when the last one was, by CLOCK_MONOTONIC."""
        for _ in range(int(seconds * 100)):
            if len(self.counts.closed_at) >= len(self.connections):
                break
            await asyncio.sleep(0.01)
        last = max(self.counts.closed_at, default=0) / 1e9
        return {
            "closed": len(self.counts.closed_at),
            "last": last,
            "closes": self.counts.closes_by_code(),
        }

    def _usage(self) -> Usage:
        return usage(self._server)


def _connection(counts: Counts, device: dict[str, Any]) -> Connection:
    """What this device speaks."""
    return Xmpp.of(counts, device) if "domain" in device else WebSocket.of(counts, device)
