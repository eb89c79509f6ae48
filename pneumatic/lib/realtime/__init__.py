"""Small texts to groups, at most once: what actions publish, and hubs listen to.

A message published here is a hint. It may be lost, doubled or late; whoever needs to be sure reads
the database. So nothing here ever raises into the request that publishes: failures are logged once
an outage, and the listener is told when the layer is away and when it is back.
"""

import asyncio
import time

from django.db import connection, transaction

from pneumatic.lib.perloop import PerLoop
from pneumatic.lib.realtime.buses import Bus, Listener
from pneumatic.lib.realtime.channel import Envelope, publish_blocking

__all__ = ("Envelope", "Listener", "bus", "close_bus", "publish", "publish_on_commit")

_buses = PerLoop(Bus)


def bus() -> Bus:
    """The running event loop's bus, made at the first call."""
    return _buses.get()


async def close_bus() -> None:
    """Close the running event loop's bus, if it has one."""
    found = _buses.pop()
    if found is not None:
        await found.close()


def publish(group: str, *envelopes: Envelope) -> None:
    """Send ``envelopes`` together to every process that has joined ``group``; never raises.

    To be called from any thread; in an event loop only after its bus was made.

    An envelope holds texts, numbers, booleans, lists and dicts of these only.
    """
    now = time.time()
    for envelope in envelopes:
        envelope.setdefault("at", now)
    found = _buses.of_a_running_loop()
    if found is not None:
        found.publish(group, *envelopes)
    elif asyncio._get_running_loop() is None:
        publish_blocking(group, list(envelopes))
    # Else this loop's bus is closed: the process is ending.


def publish_on_commit(group: str, *envelopes: Envelope) -> None:
    """Publish when the current transaction commits; nothing is published when it does not."""
    if asyncio._get_running_loop() is not None or connection.connection is None:
        # Nothing is left to commit: Django has no transactions in an event loop, and would open a
        # connection to find out that there is none elsewhere.
        publish(group, *envelopes)
        return
    # Robust: what is committed has succeeded, whatever becomes of its announcement.
    transaction.on_commit(lambda: publish(group, *envelopes), robust=True)
