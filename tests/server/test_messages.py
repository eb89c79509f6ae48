"""How applications get what comes: at once, in order, and the end of many a few at a time."""

import asyncio
from typing import Any, Final, cast

import pytest

from pneumatic.server import messages
from pneumatic.server.messages import Messages

pytestmark = pytest.mark.asyncio
_TEXT: Final = cast("Any", {"type": "websocket.receive", "text": "last words"})
_END: Final = cast("Any", {"type": "websocket.disconnect", "code": 1006})


async def test_that_many_are_gone_is_told_to_a_few_in_each_turn_in_order() -> None:
    gone, told = [Messages() for _ in range(3 * messages._ENDS_A_TURN + 1)], list[int]()

    async def wait_for_the_end(number: int) -> None:
        assert await gone[number].get() == _END
        told.append(number)

    waiting = [asyncio.create_task(wait_for_the_end(number)) for number in range(len(gone))]
    await asyncio.sleep(0)
    for each in gone:
        each.put_nowait(_END)
    told_before, turns = 0, 0
    while len(told) < len(gone):
        await asyncio.sleep(0)
        assert len(told) - told_before <= messages._ENDS_A_TURN
        told_before, turns = len(told), turns + 1
        assert turns < 20
    assert told == list(range(len(gone)))
    await asyncio.gather(*waiting)


async def test_what_came_before_the_end_is_received_before_it() -> None:
    some = Messages()
    some.put_nowait(_TEXT)
    some.put_nowait(_END)
    assert [await some.get(), await some.get()] == [_TEXT, _END]
    # And there is a next time.
    some.put_nowait(_END)
    assert await some.get() == _END


async def test_who_listens_takes_what_overtakes_nothing() -> None:
    some, took = Messages(), list[Any]()
    takes = True

    def take(message: Any) -> bool:
        took.extend([message] * takes)
        return takes

    first, second, third = (cast("Any", {**_TEXT, "text": f"text {n}"}) for n in range(3))
    some.put_nowait(first)
    some.listen(take)
    # Behind the one that waits.
    some.put_nowait(second)
    assert [await some.get(), await some.get(), took] == [first, second, []]
    some.put_nowait(third)
    assert (took, some.empty()) == ([third], True)
    takes = False
    some.put_nowait(first)
    takes = True
    some.put_nowait(second)
    some.put_nowait(_END)
    assert [await some.get() for _ in range(3)] == [first, second, _END]
    some.listen(None)
    some.put_nowait(first)
    assert (await some.get(), took) == (first, [third])


async def test_the_end_is_received_and_never_taken() -> None:
    some = Messages()
    some.listen(lambda _: True)
    some.put_nowait(_END)
    assert await some.get() == _END
