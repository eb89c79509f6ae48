"""How many sockets there may be: of a person and of an address everywhere, and here of all."""

from collections import Counter
from functools import cache
from typing import Final, Protocol

from django.conf import settings

from chat.protocol import Close
from pneumatic.lib.metrics import rate_limited
from pneumatic.lib.perloop import PerLoop
from pneumatic.lib.shared.leases import Leases

#: How long a place is held without being renewed, in seconds: a process that was killed leaves its
#: sockets' places taken for so long. Renewed by the hub, every 30 s: one renewal may fail.
PLACE_SECONDS: Final = 75
#: The part of a process's sockets that may not have said hello yet. Many more than the few at any
#: moment, since after an outage everybody comes back at once.
SILENT_SHARE: Final = 10


class Guest(Protocol):
    """What is asked of a socket here."""

    device: str

    def end_soon(self, code: Close) -> None: ...


@cache
def _places() -> Leases:
    return Leases("sockets", PLACE_SECONDS)


class Crowd:
    """The sockets of one process, from their opening on, and the places that they hold everywhere.

    Those that have not said hello are counted here alone: nothing is asked of Redis for them.
    """

    def __init__(self) -> None:
        self._addresses: Counter[str] = Counter()
        self._guests: dict[Guest, str] = {}
        #: In the order in which they came.
        self._silent: dict[Guest, None] = {}
        self._held: dict[Guest, list[str]] = {}

    def __len__(self) -> int:
        return len(self._guests)

    def enter(self, guest: Guest, address: str) -> bool:
        """Count one more socket, until it leaves; False where there are too many.

        Where too many are silent, the one that has been so for the longest has to go. Who floods
        a server with silent sockets so keeps nobody out who speaks.
        """
        full = _reached(len(self._guests), settings.SOCKETS_PER_PROCESS)
        if full or _reached(self._addresses[address], settings.SOCKETS_PER_ADDRESS):
            rate_limited("sockets")
            return False
        self._guests[guest] = address
        self._addresses[address] += 1
        self._silent[guest] = None
        if _reached(len(self._silent) - 1, settings.SOCKETS_PER_PROCESS // SILENT_SHARE):
            rate_limited("sockets")
            longest = next(iter(self._silent))
            self.spoke(longest)
            longest.end_soon(Close.TOO_SLOW)
        return True

    def spoke(self, guest: Guest) -> None:
        """It has said hello, or is on its way out."""
        self._silent.pop(guest, None)

    async def take_place(self, guest: Guest, user_text: str) -> bool:
        """Count a socket for its person and its address over all processes; False: too many.

        ``user_text`` is the person's id as a text.
        """
        most = {
            f"user:{user_text}": settings.SOCKETS_PER_USER,
            f"address:{self._guests[guest]}": settings.SOCKETS_PER_ADDRESS,
        }
        wanted = {key: many for key, many in most.items() if many}
        # Where there is no answer, because the socket ends: it gives back what it may have taken.
        entered = True
        try:
            entered = not wanted or await _places().enter(wanted, guest.device)
        finally:
            # Not before, nor who was refused: a renewal would count it.
            if entered:
                self._held[guest] = list(wanted)
        if not entered:
            rate_limited("sockets")
        return entered

    async def renew(self) -> None:
        """Say that the sockets of this process are still there; within ``PLACE_SECONDS``."""
        every, held = tuple(self._held), self._held
        await _places().renew((key, s.device) for s in every for key in held.get(s, ()))

    async def leave(self, guest: Guest) -> None:
        """It has ended: its places are free."""
        self.spoke(guest)
        address = self._guests.pop(guest, None)
        if address is None:
            return
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]
        if held := self._held.pop(guest, None):
            await _places().leave(held, guest.device)


def _reached(count: int, most: int) -> bool:
    """Whether there is no place for one more; 0 lifts the limit."""
    return bool(most) and count >= most


_crowds = PerLoop(Crowd)


def crowd() -> Crowd:
    """The running event loop's."""
    return _crowds.get()
