"""Spending budgets from the event loop, whose calls of Redis are shared and made early.

Who does something often has a few tokens taken ahead, while their bucket is more than half full,
and doesn't wait for Redis until these are used up. In the long run nobody gets more than the
budget, over all processes. At once it may be these tokens more for each process, as the bucket
refills meanwhile, and so many less where another process holds them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any, Final, NamedTuple

from pneumatic.lib.perloop import PerLoop
from pneumatic.lib.shared.ratelimit import MINUTE, Ask, Budget, Spent

#: Keys in one call: Redis does nothing else meanwhile.
_TOGETHER: Final = 100
#: What is taken ahead: of the smallest bucket this part, and no more than so many tokens.
_PART: Final = 1 / 15
_MOST: Final = 8
#: Keys with tokens taken ahead that one process remembers.
_MOST_PURSES: Final = 10_000

_Key = tuple[Budget, str]


async def aspend(budget: Budget, key: str, cost: float = 1.0) -> float:
    """As `Budget.spend`, for the event loop."""
    if budget.unlimited:
        return 0.0
    return (await _spending.get().ask(budget, Ask(key, cost))).wait


async def aspend_often(budget: Budget, key: str) -> float:
    """The same for what is done often: a token that was taken ahead is spent at once."""
    if budget.unlimited:
        return 0.0
    return await _spending.get().spend_ahead(budget, key)


def spend_at_once(budget: Budget, key: str) -> bool:
    """Spend a token that was taken ahead; False where there is none, and `aspend_often` gets it."""
    return budget.unlimited or _spending.get().spend(budget, key)


class _Purse:
    """Tokens that were taken ahead; worthless after a minute, in which their bucket refills."""

    __slots__ = ("is_refilling", "tokens", "until")

    def __init__(self) -> None:
        self.tokens, self.until, self.is_refilling = 0.0, 0.0, False


def _ahead(budget: Budget) -> float:
    return min(_MOST, int(budget.smallest * _PART))


class _Asked(NamedTuple):
    ask: Ask
    answer: asyncio.Future[Spent]


class _Spending:
    """What is asked for in one turn of the event loop shares a call: one of Redis costs more."""

    def __init__(self) -> None:
        self._waiting: dict[Budget, list[_Asked]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._purses: OrderedDict[_Key, _Purse] = OrderedDict()

    def spend(self, budget: Budget, key: str) -> bool:
        purse = self._purse(budget, key)
        if purse.tokens < 1 or asyncio.get_running_loop().time() >= purse.until:
            return False
        purse.tokens -= 1
        ahead = _ahead(budget)
        if purse.tokens <= ahead / 2 and not purse.is_refilling:
            purse.is_refilling = True
            self._spawn(self._refill(budget, key, purse, ahead))
        return True

    async def spend_ahead(self, budget: Budget, key: str) -> float:
        if self.spend(budget, key):
            return 0.0
        purse = self._purse(budget, key)
        if purse.is_refilling:
            # By somebody else who came just before: once is enough.
            return (await self.ask(budget, Ask(key, 1.0))).wait
        purse.is_refilling = True
        try:
            spent = await self.ask(budget, Ask(key, 1.0, _ahead(budget)))
            self._put(purse, spent.ahead)
        finally:
            purse.is_refilling = False
        return spent.wait

    async def ask(self, budget: Budget, ask: Ask) -> Spent:
        one = _Asked(ask, asyncio.get_running_loop().create_future())
        some = self._waiting.setdefault(budget, [])
        some.append(one)
        if len(some) == 1:
            # It begins after everything that is ready now has had its turn.
            self._spawn(self._ask(budget, some))
        elif len(some) == _TOGETHER:
            del self._waiting[budget]
        return await one.answer

    def _purse(self, budget: Budget, key: str) -> _Purse:
        owner = budget, key
        purse = self._purses.get(owner)
        if purse is None:
            purse = self._purses[owner] = _Purse()
            if len(self._purses) > _MOST_PURSES:
                self._purses.popitem(last=False)
        else:
            self._purses.move_to_end(owner)
        return purse

    def _put(self, purse: _Purse, ahead: float) -> None:
        if not ahead:
            return
        now = asyncio.get_running_loop().time()
        purse.tokens = ahead + (purse.tokens if now < purse.until else 0.0)
        purse.until = now + MINUTE

    async def _refill(self, budget: Budget, key: str, purse: _Purse, ahead: float) -> None:
        try:
            self._put(purse, (await self.ask(budget, Ask(key, 0.0, ahead))).ahead)
        finally:
            purse.is_refilling = False

    async def _ask(self, budget: Budget, some: list[_Asked]) -> None:
        if self._waiting.get(budget) is some:
            del self._waiting[budget]
        try:
            spent = await budget.take_all([one.ask for one in some])
        except BaseException as error:
            for one in some:
                if not one.answer.done():
                    one.answer.set_exception(error)
            if not isinstance(error, Exception):
                raise  # The event loop ends.
            return
        for one, answer in zip(some, spent, strict=True):
            if not one.answer.done():  # else who asked is gone
                one.answer.set_result(answer)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_spending = PerLoop(_Spending)
