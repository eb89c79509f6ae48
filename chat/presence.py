"""Who is online: devices counted with a lifetime, over all processes."""

from collections.abc import Iterable
from functools import cache
from uuid import UUID

from chat import limits
from pneumatic.lib.shared.attendance import Attendance


@cache
def _leases() -> Attendance:
    return Attendance("presence", limits.PRESENCE_SECONDS)


async def arrived(user_id: UUID, device: str) -> bool:
    """A device came; True when it is the person's first one."""
    return await _leases().take(str(user_id), device)


async def departed(user_id: UUID, device: str) -> bool:
    """A device went; True when it was the person's last one, which is to be told and `settled`."""
    return await _leases().release(str(user_id), device)


async def renew(devices: Iterable[tuple[str, str]]) -> set[UUID]:
    """Say that these devices are still there; who of the people had been taken for gone.

    Each with the text of its person's id, which comes first.

    An iterator may leave out who is gone when their turn comes. To be done every third of
    `limits.PRESENCE_SECONDS`.
    """
    return {UUID(key) for key in await _leases().attend(devices)}


async def gone(most: int) -> list[UUID]:
    """At most so many people whose going nobody has told, for the caller to tell and to settle.

    To be asked as often as devices are renewed, and after that.
    """
    return [UUID(key) for key in await _leases().sweep(most)]


async def settled(user_id: UUID) -> bool:
    """The person's going was told; False when they are back, which is then to be told."""
    return await _leases().settle(str(user_id))


async def online_among(people: Iterable[str]) -> set[str]:
    """Those of these people, by their ids' texts, who have a device online."""
    return await _leases().alive(people)


def online_among_blocking(people: Iterable[str]) -> set[str]:
    """As `online_among`, for threads."""
    return _leases().alive_blocking(people)
