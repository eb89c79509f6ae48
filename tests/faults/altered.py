"""A server with one thing changed, for tests: `python -m tests.faults.altered NAME [ARGUMENT]`.

What is changed is replaced in its process before it serves; the production code has no switch.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import django


def quick_pings(_: str) -> None:
    """Find half-open sockets in seconds instead of in half a minute."""
    from pneumatic.server import draining

    configure = draining._config

    def config() -> Any:
        made = configure()
        made.ws_ping_interval, made.ws_ping_timeout = 1.0, 2.0
        return made

    draining._config = config


def clock(seconds: str) -> None:
    """A clock that is wrong by so much; it runs on at its usual speed."""
    import time_machine

    time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(seconds)), tick=True).start()


def blocking(_: str) -> None:
    """A ping with `t` "block" holds the whole event loop up for two seconds."""
    from chat import protocol
    from chat.ws import handlers

    answer = handlers._AT_ONCE[protocol.Ping]

    def block(socket: Any, command: Any) -> None:
        if command.t == "block":
            time.sleep(2)
        answer(socket, command)

    handlers._AT_ONCE[protocol.Ping] = block


def impatient(_: str) -> None:
    """Give readers that take nothing up in two seconds instead of in twenty."""
    from pneumatic.management.commands import serve

    setattr(serve, "UNREAD_SECONDS", 2)  # noqa: B010 - a constant, but for this


def weighed(_: str) -> None:
    """Tell the metric `faults_most_waiting_bytes` what has waited for all readers at once."""
    from prometheus_client import Gauge

    from chat.ws import handouts
    from chat.ws.hub import hub

    hand_out = handouts.hand_out
    told = Gauge("faults_most_waiting_bytes", "In queues and in buffers, each text once.")
    most = 0

    def weigh(*arguments: Any) -> None:
        nonlocal most
        hand_out(*arguments)
        texts, buffered = {}, 0
        for socket in hub().sockets:
            queue, write = socket.outbound._queue, cast(Any, socket.outbound.write)
            texts.update({id(each.text): each.text for each in queue.entries} if queue else {})
            buffered += write.__self__.get_write_buffer_size()
        most = max(most, buffered + sum(map(sys.getsizeof, texts.values())))
        told.set(most)

    setattr(handouts, "hand_out", weigh)  # noqa: B010 - a function, but for this


ALTERATIONS: Final[dict[str, Callable[[str], None]]] = {
    "pings": quick_pings,
    "clock": clock,
    "blocking": blocking,
    "impatient": impatient,
    "weighed": weighed,
}


def main() -> None:
    name, *rest = sys.argv[1:]
    django.setup()
    ALTERATIONS[name](rest[0] if rest else "")
    from django.core.management import call_command

    call_command("serve")


if __name__ == "__main__":
    main()
