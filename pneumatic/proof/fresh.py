"""What a device that was never there before gets: the socket's sync, and older pages by REST."""

import asyncio
import json
from collections.abc import Callable

from pneumatic.proof.people import Person
from pneumatic.proof.rest import Rest
from pneumatic.proof.sockets import dial
from pneumatic.testing.mirror import Frame, Mirror

_SECONDS = 60.0
_ATTEMPTS = 5


async def whole_mirror(person: Person, doors: Callable[[], int], rest: Rest) -> Frame:
    """All that the person may see, to the first message of each conversation."""
    mirror = Mirror()
    async with (
        asyncio.timeout(_SECONDS),
        dial(doors()) as socket,
    ):
        await socket.send(json.dumps({"type": "hello", "token": person.fresh}))
        done = False
        while not done:
            frame = json.loads(await socket.recv())
            for event in frame["events"] if frame["type"] == "batch" else [frame]:
                mirror.apply(event)
                done = done or event["type"] == "synced"
    for conversation, each in mirror.conversations.items():
        await _fetch_older(person, conversation, each.messages, rest)
    return mirror.durable()


async def _fetch_older(
    person: Person, conversation: str, messages: dict[str, Frame], rest: Rest
) -> None:
    first = min((row["seq"] for row in messages.values()), default=1)
    while first > 1:
        page = None
        for _ in range(_ATTEMPTS):
            page = await rest.page(person.fresh, conversation, first)
            if page is not None:
                break
        if not page:
            # The checker will find what is missing.
            return
        messages.update((row["id"], row) for row in page)
        first = page[0]["seq"]
