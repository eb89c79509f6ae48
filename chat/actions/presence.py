"""Devices come and go; people who share a conversation are told when it changes who is online."""

from collections.abc import Mapping
from uuid import UUID

import structlog

from chat import fanout, presence
from chat.queries import circle_of
from pneumatic.lib.errors import Unavailable
from pneumatic.lib.threads import in_database

log = structlog.get_logger(__name__)


async def arrive(*, user_id: UUID, device: str, circle: Mapping[UUID, int]) -> None:
    """A device is online now; `circle` is `queries.circle_of` the person, as was just read."""
    if await presence.arrived(user_id, device):
        fanout.presence(user_id, circle, online=True)


async def depart(*, user_id: UUID, device: str) -> None:
    """A device is gone."""
    if await presence.departed(user_id, device):
        try:
            circle = await in_database(circle_of, user_id)
        except Unavailable as error:
            # Who may hear of it isn't known. Devices learn of it when they ask for states again.
            log.info("departure_not_told", user=str(user_id), error=repr(error))
            return
        fanout.presence(user_id, circle, online=False)
