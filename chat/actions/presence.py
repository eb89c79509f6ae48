"""Devices come and go; people who share a conversation are told when it changes who is online."""

from collections.abc import Iterable
from uuid import UUID

from chat import fanout, presence


async def arrive(*, user_id: UUID, device: str, conversation_ids: Iterable[UUID]) -> None:
    """A device is online now."""
    if await presence.arrived(user_id, device):
        fanout.presence(user_id, conversation_ids, online=True)


async def depart(*, user_id: UUID, device: str, conversation_ids: Iterable[UUID]) -> None:
    """A device is gone."""
    if await presence.departed(user_id, device):
        fanout.presence(user_id, conversation_ids, online=False)
