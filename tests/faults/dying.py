"""A server that dies at a moment that a message names: `python -m tests.faults.dying FOLDER`.

The moments are around the commit of a message whose body is their name. Each is survived once: a
file in the folder says that it has been died at. The production code has no switch for this.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import django

MOMENTS = ("before-commit", "before-broadcast", "after-broadcast")


def die_once(moment: str, body: str) -> None:
    """SIGKILL, where this is the moment, and not yet survived."""
    mark = Path(sys.argv[1]) / moment
    if body == moment and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def arm() -> None:
    from chat.actions import storing
    from chat.ws.sends import SendQueue
    from pneumatic.lib import realtime

    changed: Any = storing
    append, publish, send = changed.append, realtime.publish, SendQueue.send

    def append_and_die(messages: Any, **options: Any) -> None:
        append(messages, **options)
        for message in messages:
            die_once("before-commit", message.body)

    def die_and_publish(group: str, *envelopes: dict[str, Any]) -> None:
        if any('"body":"before-broadcast"' in each.get("text", "") for each in envelopes):
            die_once("before-broadcast", "before-broadcast")
        publish(group, *envelopes)

    async def send_and_die(self: SendQueue, draft: Any, began: float | None = None) -> Any:
        sent = await send(self, draft, began)
        if draft.body == "after-broadcast":
            # The others get it meanwhile; the sender's answer is never written.
            await asyncio.sleep(0.5)
            die_once("after-broadcast", draft.body)
        return sent

    changed.append = append_and_die
    realtime.publish = die_and_publish
    SendQueue.send = send_and_die  # type: ignore[method-assign]
    # All of them go that way.
    SendQueue.begin = lambda *_: False  # type: ignore[method-assign]


def main() -> None:
    django.setup()
    arm()
    from django.core.management import call_command

    call_command("serve")


if __name__ == "__main__":
    main()
