"""F15, F26, F27: a client, a process or an event loop stands still for a while."""

import asyncio
import os
import re
import shutil
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from pneumatic.lib import metrics
from pneumatic.server import draining
from pneumatic.settings import BASE_DIR
from tests.faults.cluster import Cast, Cluster, Pair, is_live, make_people
from tests.faults.device import Device
from tests.faults.wire import Wire
from tests.server.person import Person
from tests.server.running import Running, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]

Altered = Callable[..., tuple[Running, Cast]]
#: How long a process is stopped; `PNEUMATIC_FAULT_PAUSE=8` is the long form: a long pause of a
#: virtual machine.
STOPPED_SECONDS = float(os.environ.get("PNEUMATIC_FAULT_PAUSE", "3"))


@pytest.fixture
def altered(tmp_path: Path, migrated: Path) -> Iterator[Altered]:
    """A server with one thing changed, and two people with three devices each."""
    server = Running(
        tmp_path, PYTHONPATH=str(BASE_DIR), DJANGO_SETTINGS_MODULE="pneumatic.settings"
    )

    def start(*what: str) -> tuple[Running, Cast]:
        shutil.copy(migrated, server.database)
        cast = make_people(server, count=2, devices=3)
        server.start([sys.executable, "-m", "tests.faults.altered", *what])
        return server, cast

    yield start
    server.stop()


async def open_sockets(server: Running) -> int:
    """As the server counts them."""
    text = await metrics_of(server)
    found = re.search(r"^pneumatic_sockets (\d+)", text, re.MULTILINE)
    assert found is not None, text[:500]
    return int(found[1])


@pytest.mark.slow
@pytest.mark.once
async def test_a_client_that_vanished_without_a_word_is_found_out_by_pings_f15(
    altered: Altered,
) -> None:
    server, cast = altered("pings")
    wire = Wire(server.port).start()
    try:
        gone = Device(cast.tokens[0][0], wire.port)
        await gone.open()
        async with Device(cast.tokens[1][0], server.port) as bob:
            assert await open_sockets(server) == 2
            # Longer than pings and their answers take: who answers them stays.
            await asyncio.sleep(3.5)
            assert await open_sockets(server) == 2
            wire.go_silent()
            await bob.until(lambda: not bob.seen_online(cast.people[0])[-1])
            assert await open_sockets(server) == 1
            # What it missed, and what it said into the void, is there when it comes back.
            await bob.send(cast.group, "meanwhile")
            await gone.close()
            back = Device(cast.tokens[0][0], server.port, gone.mirror)
            await back.open()
            assert "meanwhile" in back.bodies()
            await back.close()
    finally:
        wire.stop()


async def test_production_finds_half_open_sockets_within_45_seconds_f15() -> None:
    config = draining._config()
    assert config.ws_ping_interval is not None
    assert config.ws_ping_timeout is not None
    assert config.ws_ping_interval + config.ws_ping_timeout <= 45


@pytest.mark.slow
@pytest.mark.needs_redis
@pytest.mark.xdist_group("faults-cluster")
async def test_a_process_that_stood_still_catches_up_and_nobody_is_there_twice_f26(
    cluster: Cluster,
) -> None:
    # Not one of those whose leases an earlier test let Redis keep, which it does for 45 s.
    alice, bob = cluster.device(0, server=0), cluster.device(3, server=1)
    await alice.open()
    await bob.open()
    # The layer may just have come back from what an earlier test did to it.
    await is_live(cluster, Pair(alice, bob))
    await is_live(cluster, Pair(bob, alice))
    person = cluster.cast.people[3]
    await alice.until(lambda: alice.seen_online(person)[-1])
    process = cluster.servers[1].process
    process.send_signal(signal.SIGSTOP)
    try:
        stopped_at = time.monotonic()
        bodies = [str(uuid.uuid4()) for _ in range(20)]
        for body in bodies:
            await alice.send(cluster.group, body)
        # As a client does that hears nothing: it comes back, and meets the other process.
        elsewhere = Device(bob.token, cluster.servers[0].port)
        await elsewhere.open()
        await elsewhere.knows(bodies[-1])
        await asyncio.sleep(max(0.0, STOPPED_SECONDS - (time.monotonic() - stopped_at)))
    finally:
        process.send_signal(signal.SIGCONT)
    # The old socket was never closed, and has everything too, once and in order.
    await bob.knows(bodies[-1])
    for device in (alice, bob, elsewhere):
        (conversation,) = device.mirror.conversations.values()
        rows = sorted(conversation.messages.values(), key=lambda row: row["seq"])
        assert [row["body"] for row in rows if row["body"] in bodies] == bodies
    await bob.send(cluster.group, "awake again")
    await alice.knows("awake again")
    # Two sockets of one person: one arrival, and one departure when both are gone.
    await bob.close()
    ping = str(uuid.uuid4())
    await alice.say("ping", ref=ping)
    await alice.until(lambda: any(frame.get("ref") == ping for frame in alice.received))
    assert alice.seen_online(person) == [False, True]
    await elsewhere.close()
    await alice.until(lambda: not alice.seen_online(person)[-1])
    assert alice.seen_online(person) == [False, True, False]
    await alice.close()


def observed(least: float) -> float:
    """How often the event loop was later than this, by the metric."""
    total = REGISTRY.get_sample_value("pneumatic_loop_lag_seconds_count") or 0.0
    within = REGISTRY.get_sample_value("pneumatic_loop_lag_seconds_bucket", {"le": str(least)})
    return total - (within or 0.0)


async def test_the_lag_of_the_event_loop_is_measured_f27(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "LOOP_LAG_SECONDS", 0.01)
    before = observed(0.25)
    watching = asyncio.create_task(metrics.watch_loop_lag())
    await asyncio.sleep(0.05)
    time.sleep(0.4)  # noqa: ASYNC251 - that is the fault
    # Once at least: on a busy machine the loop is late by itself, too.
    await until(lambda: observed(0.25) > before)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


@pytest.mark.slow
@pytest.mark.once
async def test_a_blocked_event_loop_shows_in_the_metrics_and_loses_nothing_f27(
    altered: Altered,
) -> None:
    server, cast = altered("blocking")
    alice, bob = [Device(tokens[0], server.port) for tokens in cast.tokens]
    await alice.open()
    await bob.open()
    await asyncio.sleep(0.6)
    await alice.say("ping", t="block")
    bodies = [str(uuid.uuid4()) for _ in range(10)]
    acks = await asyncio.gather(*(bob.send(cast.group, body) for body in bodies))
    assert max(acks) > 1
    for body in bodies:
        await alice.knows(body)
    (conversation,) = alice.mirror.conversations.values()
    assert not conversation.has_gap
    text = await metrics_of(server)
    late = re.search(r'^pneumatic_loop_lag_seconds_bucket\{le="1.0"\} (\d+)', text, re.MULTILINE)
    count = re.search(r"^pneumatic_loop_lag_seconds_count (\d+)", text, re.MULTILINE)
    assert late is not None
    assert count is not None
    assert int(count[1]) > int(late[1])
    await asyncio.gather(alice.close(), bob.close())


async def metrics_of(server: Running) -> str:
    return (await Person(server, "nobody").ask("../../metrics")).text
