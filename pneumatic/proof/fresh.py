"""What a device that was never there before gets: the socket's sync, and older pages by REST."""

import asyncio
import json
from collections.abc import Callable

from pneumatic.proof.mirror import Frame, Mirror
from pneumatic.proof.session import Session
from pneumatic.proof.sockets import dial

_SECONDS = 60.0
_ATTEMPTS = 5


async def whole_mirror(session: Session, doors: Callable[[], int]) -> Frame:
    """All that the person may see, to the first message of each conversation."""
    mirror = Mirror()
    token = await session.renewed()
    async with (
        asyncio.timeout(_SECONDS),
        dial(doors()) as socket,
    ):
        await socket.send(json.dumps({"type": "hello", "token": token}))
        done = False
        while not done:
            frame = json.loads(await socket.recv())
            for event in frame["events"] if frame["type"] == "batch" else [frame]:
                mirror.apply(event)
                done = done or event["type"] == "synced"
    for conversation, each in mirror.conversations.items():
        await _fetch_older(session, conversation, each.messages)
    return mirror.durable()


async def _fetch_older(session: Session, conversation: str, messages: dict[str, Frame]) -> None:
    first = min((row["seq"] for row in messages.values()), default=1)
    while first > 1:
        page = None
        for _ in range(_ATTEMPTS):
            page = await session.page(conversation, first)
            if page is not None:
                break
        if not page:
            # The checker will find what is missing.
            return
        messages.update((row["id"], row) for row in page)
        first = page[0]["seq"]
