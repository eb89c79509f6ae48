"""Sending every device away because this process stops, so gently that nobody notices."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import structlog

from chat.ws.marks import mark_queue
from chat.ws.sends import send_queue
from pneumatic.lib.perloop import PerLoop

log = structlog.get_logger(__name__)
#: How long the last answers of all may take once the time for spreading is over.
_LAST_ANSWERS_SECONDS: Final = 5.0


class Retiring(Protocol):
    """What a drain needs of a connection."""

    async def retire(self) -> None:
        """This process stops: answer what was said, then close."""


_open = PerLoop(set[Retiring])


@contextmanager
def to_be_drained(socket: Retiring) -> Iterator[None]:
    """For the block, a socket is one that a drain sends away: signed in, or still to say hello."""
    _open.get().add(socket)
    try:
        yield
    finally:
        _open.get().discard(socket)


async def drain(seconds: float) -> None:
    """Close every socket of this process with 1012, spread evenly over ``seconds``.

    Devices come back at once, to some other process: all at the same moment would be a storm. What
    a device has sent is answered before. New connections are for the caller to keep out.
    """
    loop = asyncio.get_running_loop()
    sockets = list(_open.get())
    random.shuffle(sockets)
    began = loop.time()
    retiring = set()
    for place, socket in enumerate(sockets):
        # Anywhere in its own part of the time, so that two processes don't keep step.
        at = began + seconds * (place + random.random()) / len(sockets)  # noqa: S311
        await asyncio.sleep(max(0.0, at - loop.time()))
        retiring.add(loop.create_task(socket.retire()))
    # Who came in the meantime has had no part of the time.
    retiring |= {loop.create_task(each.retire()) for each in _open.get().difference(sockets)}
    if retiring:
        done, _ = await asyncio.wait(retiring, timeout=_LAST_ANSWERS_SECONDS)
        for task in done:
            if error := task.exception():
                log.error("socket_not_retired", exc_info=error)
    await send_queue().settle()
    await mark_queue().settle()
