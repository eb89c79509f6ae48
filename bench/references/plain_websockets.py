"""A broadcast server with the `websockets` library, as its documentation has it; nothing stored."""

import asyncio
import json
import os
from collections import defaultdict

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

ROOMS: defaultdict[str, set[ServerConnection]] = defaultdict(set)


async def handler(socket: ServerConnection) -> None:
    path = socket.request.path if socket.request else ""
    _, _, conversation, user, *_ = path.split("/")
    room = ROOMS[conversation]
    room.add(socket)
    try:
        async for text in socket:
            sent = json.loads(text)
            data = {"id": sent["id"], "sender": user, "body": sent["body"]}
            event = {"type": "message", "conversation": conversation, "data": data}
            broadcast(room, json.dumps(event, separators=(",", ":")))
    finally:
        room.discard(socket)


async def main() -> None:
    async with serve(handler, "127.0.0.1", int(os.environ["PORT"]), compression=None, backlog=2048):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
