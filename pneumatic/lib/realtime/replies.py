"""What Redis replies, read where the client keeps it, without its way through each reply.

That way (a time limit, retries and measures of its own around each) takes longer than all that is
done with a reply. Who reads here bounds the time, and ends a connection that fails.
"""

from typing import Any, Final

from redis._parsers.hiredis import NOT_ENOUGH_DATA, _AsyncHiredisParser
from redis.exceptions import ConnectionError as RedisConnectionError

#: Bytes that are taken at once, as many as asyncio's streams hold before they ask for a pause.
_AT_ONCE: Final = 65536


def is_read_here(connection: Any) -> bool:
    """Whether this connection of the client is open, and read by hiredis."""
    parser = getattr(connection, "_parser", None)
    # One that was cut has no more to say, whatever is left of it: asking that again raises.
    return type(parser) is _AsyncHiredisParser and parser._connected


def arrived(connection: Any) -> Any:
    """The next reply, an exception where it is an error; None where none has come yet."""
    reply = connection._parser._reader.gets()
    return None if reply is NOT_ENOUGH_DATA else reply


async def more(connection: Any) -> bool:
    """Wait until more has come; False where nothing will, which the client finds out as well."""
    parser = connection._parser
    # Meanwhile another task may connect anew: what came before is of the former connection.
    stream, reader = parser._stream, parser._reader
    try:
        data = await stream.read(_AT_ONCE)
    except OSError:
        return False
    if data:
        reader.feed(data)
    return bool(data)


async def next_reply(connection: Any) -> Any:
    """The next one that isn't pushed: Redis may tell news of itself at any time.

    Raises what it is where that is an error, and redis's `ConnectionError` where none comes.
    """
    while is_read_here(connection):
        if (reply := arrived(connection)) is None:
            if not await more(connection):
                break
        elif isinstance(reply, Exception):
            raise reply
        elif not isinstance(reply, list):
            return reply
    raise RedisConnectionError("The connection ended.")
