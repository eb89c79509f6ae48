"""Envelopes of a room, handed to its local sockets: one write each for all that comes at once."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

import structlog

from chat import metrics
from chat.ws import rounds
from chat.ws.rooms import Room, Socket
from pneumatic.lib.realtime import Envelope
from pneumatic.lib.realtime.readyframes import text_frame

log = structlog.get_logger(__name__)
#: Characters of events that share a write. Whoever reads slowly is noticed between two of them.
_WRITE: Final = 32_768


def hand_out(room: Room, envelopes: Sequence[Envelope]) -> None:
    """In this order. Events are never left out; of states only the latest of a key counts.

    At once where the sockets are few, else from the event loop's next turn on.
    """
    if room.round is not None:
        room.round.add(envelopes)
    elif len(room.sockets) <= rounds.PART:
        _write(tuple(room.sockets), envelopes)
    elif envelopes:
        room.round = rounds.Round(room.sockets)
        room.round.add(envelopes)
        asyncio.get_running_loop().call_soon(_go_round, room)


def _go_round(room: Room) -> None:
    if room.round is None or (turn := room.round.turn()) is None:
        room.round = None
        return
    asyncio.get_running_loop().call_soon(_go_round, room)
    try:
        _write(*turn)
    except Exception:
        # The others shall not go without; these catch up with their next heartbeat.
        log.exception("not_delivered", group=room.name)


def _write(sockets: Sequence[Socket], envelopes: Sequence[Envelope]) -> None:
    for kind, several in groupby(envelopes, lambda envelope: envelope["kind"]):
        if kind == "event":
            for some in _portions(several):
                _write_events(sockets, some)
        else:
            for envelope in several:
                _write_state(sockets, envelope)


def _portions(events: Iterable[Envelope]) -> Iterator[list[Envelope]]:
    some: list[Envelope] = []
    size = 0
    for event in events:
        size += len(event["text"])
        if some and size > _WRITE:
            yield some
            some, size = [], len(event["text"])
        some.append(event)
    yield some


def _write_events(sockets: Sequence[Socket], events: Sequence[Envelope]) -> None:
    # Each a frame of its own. Under load many messages of a conversation are committed together,
    # and a write costs more than all the rest that is done for a socket.
    frames = b"".join([text_frame(event["text"]) for event in events])
    written = 0
    for socket in sockets:
        outbound = socket.outbound
        # Asked here, though `offer` would: this is what the process does most.
        if outbound.is_free:
            outbound.write(frames)
            written += 1
        else:
            for event in events:
                outbound.offer(event["text"], event.get("at", 0.0))
    if written:
        metrics.delivered(written * len(events), events[0].get("at", 0.0))


def _write_state(sockets: Sequence[Socket], state: Envelope) -> None:
    """Slow readers may miss it, or with a key the older one."""
    text, at = state["text"], state.get("at", 0.0)
    without, key = state.get("without"), state.get("key")
    frame, written = text_frame(text), 0
    for socket in sockets:
        if without is not None and socket.user_text == without:
            continue
        outbound = socket.outbound
        if outbound.is_free:
            outbound.write(frame)
            written += 1
        else:
            outbound.offer(text, at, droppable=key is None, key=key)
    if written:
        metrics.delivered(written, at)
