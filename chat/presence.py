"""Who is online: devices counted with a lifetime, over all processes."""

from collections.abc import Iterable
from functools import cache
from uuid import UUID

from chat import limits
from pneumatic.lib.leases import Leases


@cache
def _leases() -> Leases:
    return Leases("presence", limits.PRESENCE_SECONDS)


async def arrived(user_id: UUID, device: str) -> bool:
    """A device came; True when it is the person's first one."""
    return await _leases().take(str(user_id), device)


async def departed(user_id: UUID, device: str) -> bool:
    """A device went; True when it was the person's last one."""
    return await _leases().release(str(user_id), device)


async def renew(devices: Iterable[tuple[UUID, str]]) -> None:
    """Say that these devices are still there; to be done within `limits.PRESENCE_SECONDS`."""
    await _leases().renew([(str(user_id), device) for user_id, device in devices])


async def online_among(user_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these people who have a device online."""
    alive = await _leases().alive([str(user_id) for user_id in user_ids])
    return {UUID(user_id) for user_id in alive}


def online_among_blocking(user_ids: Iterable[UUID]) -> set[UUID]:
    """As `online_among`, for threads."""
    return {UUID(key) for key in _leases().alive_blocking(str(user_id) for user_id in user_ids)}
