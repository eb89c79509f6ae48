"""When to ask for what is missing, and one copy of each row for all devices of a run."""

import asyncio
from collections.abc import Callable

from pneumatic.proof.mirror import Frame, Mirror

_PATIENCE = 0.3


class Gaps:
    """Calls `ask(conversation)` where a gap in its changes is still open after a moment."""

    def __init__(self, mirror: Mirror, ask: Callable[[str], None]) -> None:
        self._mirror = mirror
        self._ask = ask
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def mind(self, conversation: str) -> None:
        """Look whether a change is missing: it may be on its way still."""
        if conversation not in self._timers and self._is_open(conversation):
            self._timers[conversation] = asyncio.get_running_loop().call_later(
                _PATIENCE, self._look_again, conversation
            )

    def forget(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _look_again(self, conversation: str) -> None:
        self._timers.pop(conversation, None)
        if self._is_open(conversation):
            self._ask(conversation)

    def _is_open(self, conversation: str) -> bool:
        each = self._mirror.conversations.get(conversation)
        return each is not None and each.known is not None and each.has_gap


class RowPool:
    """Gives equal rows back as one object: tens of devices keep the same hundred thousand rows."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int], Frame] = {}

    def share(self, row: Frame) -> Frame:
        """`row`, or the row equal to it that came first."""
        first = self._rows.setdefault((row["id"], row["version"]), row)
        return first if first == row else row
