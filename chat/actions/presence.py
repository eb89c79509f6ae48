"""Devices come and go; people who share a conversation are told when it changes who is online."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

import structlog

from chat import fanout, presence
from chat.queries import circle_of
from pneumatic.lib.errors import Unavailable
from pneumatic.lib.threads import in_database

log = structlog.get_logger(__name__)
#: People whom one process takes upon itself to tell of at once.
_GONE_AT_ONCE: Final = 100


async def arrive(*, user_id: UUID, device: str, circle: Mapping[UUID, int]) -> None:
    """A device is online now; `circle` is `queries.circle_of` the person, as was just read."""
    if await presence.arrived(user_id, device):
        fanout.presence(user_id, circle, online=True)


async def depart(*, user_id: UUID, device: str) -> None:
    """A device is gone."""
    if await presence.departed(user_id, device):
        await _tell_of_going(user_id)


async def come_back(*, user_ids: Iterable[UUID]) -> None:
    """These people were taken for gone, or Redis forgot them: they are here."""
    for user_id in user_ids:
        try:
            circle = await in_database(circle_of, user_id)
        except Unavailable as error:
            # Devices learn of it when they ask for states again.
            log.info("return_not_told", user=str(user_id), error=repr(error))
            return
        fanout.presence(user_id, circle, online=True)


async def miss() -> None:
    """Tell of those who are gone without a word: their process was killed, or Redis was away."""
    while True:
        gone = await presence.gone(_GONE_AT_ONCE)
        for user_id in gone:
            if not await _tell_of_going(user_id):
                return
        if len(gone) < _GONE_AT_ONCE:
            return


async def _tell_of_going(user_id: UUID) -> bool:
    try:
        circle = await in_database(circle_of, user_id)
    except Unavailable as error:
        # Who may hear of it isn't known. It isn't settled: a process will miss the person again.
        log.info("departure_not_told", user=str(user_id), error=repr(error))
        return False
    fanout.presence(user_id, circle, online=False)
    if not await presence.settled(user_id):
        # They came back meanwhile, and that was told before this.
        fanout.presence(user_id, circle, online=True)
    return True
