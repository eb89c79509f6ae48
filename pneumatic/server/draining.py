"""One server process: Uvicorn, and how it ends without cutting anybody short."""

import asyncio
import gc
import os
import signal
import socket
import threading
import time
from types import FrameType
from typing import Final

import structlog
import uvicorn
from django.conf import settings
from django.db import connections

from chat import limits
from chat.ws.draining import drain
from chat.ws.hub import close_hub, hub
from pneumatic.lib import health
from pneumatic.lib.database import asyncpostgres
from pneumatic.lib.database.threads import end_threads
from pneumatic.lib.shared import redisscript
from pneumatic.server.http import HeadProtocol
from pneumatic.server.websocket import FrameProtocol

log = structlog.get_logger(__name__)

#: Objects more than before until those are looked through that were made since, and how often that
#: comes before the next older ones are. Python's own are 700, 10 and 10. The product of all is how
#: seldom everything is looked through; that of the first two, how long everybody waits in between:
#: to look through 100,000 (5,000 and 20) took 60 to 100 ms.
_COLLECTIONS: Final = 1_000, 5, 200
#: Connections that may wait to be accepted.
BACKLOG: Final = 2048
#: How much longer than DRAIN_SECONDS a process that was told to stop may live.
GRACE_SECONDS: Final = 10
#: The last of these are for ending itself, after requests under way have been cancelled.
_ENDING_SECONDS: Final = 2
#: How long a device may take to read its close code, with all that it has not read before.
_GOODBYE_SECONDS: Final = 4.0


def collect_seldom() -> None:
    """Set Python's garbage collector for a process that serves; to be called when all is loaded."""
    # What is there now stays: 150,000 objects, which each full collection would look through
    # again and hold everybody up for (83 ms, measured with all of the application imported).
    gc.freeze()
    # What comes with a thousand sockets would set off several of them: with the defaults, 100
    # to 200 ms each in which nothing else moves, just when everybody is back at once.
    gc.set_threshold(*_COLLECTIONS)


class DrainingServer(uvicorn.Server):
    """On SIGTERM or SIGINT: everything begun is finished, sockets go slowly, new ones are refused.

    For all of DRAIN_SECONDS it goes on listening: who looks for a process to send requests to by
    opening a connection learns from ``/readyz`` that it is to be another, and whoever comes before
    that is answered.
    """

    _told_at = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second Ctrl-C waits for nothing more.

        Unlike Uvicorn's own it doesn't repeat the signal at the end: who has drained exits with 0.
        """
        if self.should_exit:
            self.force_exit = self.force_exit or sig == signal.SIGINT
            return
        self.should_exit = True
        self._told_at = time.monotonic()
        health.start_draining()
        _end_at_the_latest_in(settings.DRAIN_SECONDS + GRACE_SECONDS)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Before anybody asks: what REST writes is announced by this event loop's hub.
        await hub().start()
        collect_seldom()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        log.info("draining", connections=len(self.server_state.connections))
        # Requests that still come are answered, and told to open another connection next time: one
        # that a proxy keeps open and that is closed without a word might have one on it.
        self.server_state.default_headers = [
            *self.server_state.default_headers,
            (b"connection", b"close"),
        ]
        if not self.force_exit:
            await self._drain()
        for server in self.servers:
            server.close()
        for each in sockets or []:
            each.close()
        if not self.force_exit:
            await self._hear_goodbyes()
        latest = self._told_at + settings.DRAIN_SECONDS + GRACE_SECONDS - _ENDING_SECONDS
        self.config.timeout_graceful_shutdown = max(1, round(latest - time.monotonic()))
        await super().shutdown(sockets)
        await close_hub()
        await redisscript.close()
        await asyncpostgres.close()
        log.info("drained")

    async def _drain(self) -> None:
        """For all of DRAIN_SECONDS, also where no socket is left; or until nobody waits for it."""
        leaving = asyncio.create_task(drain(settings.DRAIN_SECONDS))
        until = self._told_at + settings.DRAIN_SECONDS
        # By looking, since a signal may not set an event.
        while not self.force_exit and not (leaving.done() and time.monotonic() >= until):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        if leaving.done():
            leaving.result()
        else:
            leaving.cancel()

    async def _hear_goodbyes(self) -> None:
        """Return once devices have answered the close frames, and so have read them.

        A connection that ends with something of its device's unread in it, or to which something
        comes after that, is reset: what was still on its way to a device that is behind would be
        lost, the close code with it.
        """
        deadline = time.monotonic() + _GOODBYE_SECONDS
        while time.monotonic() < deadline and not self.force_exit:
            if not any(
                getattr(each, "close_sent", False) for each in self.server_state.connections
            ):
                return
            await asyncio.sleep(0.05)


def serve(listener: socket.socket) -> int:
    """Serve on a listening socket until told to stop; the process's exit status."""
    server = DrainingServer(_config())
    server.run(sockets=[listener])
    end_threads()
    for connection in connections.all(initialized_only=True):
        connection.close()
        if getattr(connection, "pool", None):
            connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's only
    return 0


def _config() -> uvicorn.Config:
    return uvicorn.Config(
        "pneumatic.asgi:application",
        loop="uvloop",
        http=HeadProtocol,
        ws=FrameProtocol,
        ws_max_size=2 * limits.FRAME_BYTES,
        # Compression lets a small frame grow large, and secrets be guessed by their size.
        ws_per_message_deflate=False,
        # Who vanished without a word is found out within 45 s: before the 50 s, two heartbeats,
        # after which a client takes a silent server for gone. Who only stalls has 17 s for it.
        # Who keeps up their heartbeat is heard often enough to need no ping.
        ws_ping_interval=limits.HEARTBEAT + 2,
        ws_ping_timeout=17,
        lifespan="off",
        backlog=BACKLOG,
        # Our own middleware logs requests and, by TRUSTED_PROXIES, finds clients' addresses.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        # Ours are configured; below a warning Uvicorn tells sockets' query strings.
        log_config=None,
        log_level="warning",
    )


def _end_at_the_latest_in(seconds: int) -> None:
    """End this process after ``seconds``, even if a thread, or the event loop, hangs for ever."""

    def end() -> None:
        log.error("drain_forced", after_s=seconds, threads=threading.active_count())
        os._exit(1)

    politely = threading.Timer(max(0.1, seconds - 0.5), end)
    politely.daemon = True
    politely.start()
    # Should no other thread get to run either, or standard error block: the kernel's own clock.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
