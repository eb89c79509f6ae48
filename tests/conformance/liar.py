"""A proxy before a good server that breaks one promise: the kit must notice."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.typing import Subprotocol

Frame = dict[str, Any]
#: One event of the server in, what the client hears instead out.
Lie = Callable[[Frame], list[Frame]]
_GOOD = 1000


@contextlib.contextmanager
def lying(url: str, lie: Lie, close_code: int | None = None) -> Iterator[str]:
    """The address of a socket that tells `lie` in place of each event, closes with `close_code`."""
    target = f"ws{url.removeprefix('http')}/ws/"
    ready = threading.Event()
    address: list[str] = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def main() -> None:
        async def handle(client: ServerConnection) -> None:
            await _between(client, target, lie, close_code)

        subprotocols = [Subprotocol("pneumatic.v1")]
        async with serve(
            handle, "127.0.0.1", 0, subprotocols=subprotocols, compression=None, max_size=None
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            address.append(f"ws://127.0.0.1:{port}/ws/")
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    ready.wait(10)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


async def _between(client: ServerConnection, target: str, lie: Lie, close_code: int | None) -> None:
    async with connect(
        target,
        subprotocols=[Subprotocol("pneumatic.v1")],
        compression=None,
        max_size=None,
        proxy=None,
    ) as server:

        async def upwards() -> None:
            with contextlib.suppress(ConnectionClosed):
                async for raw in client:
                    await server.send(raw)
            await server.close()

        up = asyncio.create_task(upwards())
        with contextlib.suppress(ConnectionClosed):
            async for raw in server:
                frame = json.loads(raw)
                for event in frame["events"] if frame["type"] == "batch" else [frame]:
                    for told in lie(event):
                        await client.send(json.dumps(told))
        code = close_code or server.close_code or _GOOD
        if code != CloseCode.ABNORMAL_CLOSURE:
            await client.close(code)
        up.cancel()
        await asyncio.gather(up, return_exceptions=True)
