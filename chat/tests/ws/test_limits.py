"""How much one person, and one address, may do over sockets."""

import asyncio
import contextlib
import uuid
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from chat.ws import session
from chat.ws.crowd import SILENT_SHARE, crowd
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_group
from pneumatic.testing.socket import HEADERS, Device, connected, device_of

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time by which commands are counted stands still unless told."""
    clock = Clock()
    monkeypatch.setattr(session, "_clock", clock)
    return clock


async def _post(device: Device, world: World, body: str) -> int:
    """Send a message over REST; the status."""

    def ask() -> int:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {device.token}")
        path = f"/api/v1/conversations/{world.group.id}/messages/"
        return client.post(path, {"id": str(uuid.uuid4()), "body": body}, format="json").status_code

    return await in_database(ask)


async def _try_to_send(device: Device, world: World) -> str:
    """`ack`, or the code of the error."""
    ref = str(uuid.uuid4())
    await device.say(
        type="message.send", ref=ref, id=ref, conversation=world.group.id, body="hello"
    )
    async with asyncio.timeout(10):
        while True:
            for frame in device.waiting:
                if frame.get("ref") == ref:
                    device.waiting.remove(frame)
                    return str(frame.get("code", frame["type"]))
            await device._receive()


async def test_security_26_rest_and_every_socket_spend_from_one_budget(
    live_world: World, settings: Settings
) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 0, 4
    async with connected(live_world.bob, live_world.bob, live_world.alice) as devices:
        laptop, phone, alice = devices
        assert await _post(laptop, live_world, "one") == 201
        assert await _try_to_send(laptop, live_world) == "ack"
        assert await _try_to_send(phone, live_world) == "ack"
        assert await _post(phone, live_world, "four") == 201

        assert await _try_to_send(laptop, live_world) == "rate_limited"
        assert await _try_to_send(phone, live_world) == "rate_limited"
        assert await _post(laptop, live_world, "five") == 429
        assert await _try_to_send(alice, live_world) == "ack"


async def test_security_26_sends_at_once_over_many_sockets_do_not_overspend(
    live_world: World, settings: Settings
) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 0, 7
    async with connected(*[live_world.bob] * 5) as devices:
        said = await asyncio.gather(
            *(_try_to_send(device, live_world) for device in devices for _ in range(1)),
            *(_post(device, live_world, "hello") for device in devices),
        )

    assert sum(each in ("ack", 201) for each in said) == 7
    assert {each for each in said if each not in ("ack", 201)} <= {"rate_limited", 429}


CHEAP: dict[str, dict[str, Any]] = {
    "read": {"seq": 1},
    "delivered": {"seq": 1},
    "typing": {"on": True},
    "sync": {"versions": {}, "epoch": None},
    "auth": {},
}


@pytest.mark.parametrize("kind", CHEAP)
async def test_a_cheap_command_beyond_its_bucket_is_refused_and_the_rest_goes_on(
    live_world: World, settings: Settings, clock: Clock, kind: str
) -> None:
    settings.SOCKET_COMMANDS_PER_MINUTE = 60
    async with connected(live_world.bob, live_world.alice) as (bob, alice):
        fields = dict(CHEAP[kind])
        if kind in ("read", "delivered", "typing"):
            fields["conversation"] = live_world.group.id
        if kind == "auth":
            fields["token"] = bob.token
        session.command_budget(str(live_world.bob.id)).charge(585)

        await bob.say(type=kind, ref="too much", **fields)
        error = await bob.expect("error", ref="too much")

        assert error["code"] == "rate_limited"
        assert 0 < error["retry_after"] <= 1
        assert await _try_to_send(bob, live_world) == "ack"
        await bob.say(type="ping", ref="alive")
        await bob.expect("pong", ref="alive")
        await alice.sync()
        clock.now += error["retry_after"]
        await bob.say(type=kind, ref="again", **fields)
        await bob.refute("error", ref="again")


async def test_all_sockets_of_a_person_share_the_bucket(
    live_world: World, settings: Settings, clock: Clock
) -> None:
    settings.SOCKET_COMMANDS_PER_MINUTE = 10
    async with connected(live_world.bob, live_world.bob) as devices:
        for number in range(10):  # less the two hellos
            device = devices[number % 2]
            await device.say(
                type="typing", conversation=live_world.group.id, on=True, ref=str(number)
            )
        for device in devices:
            await device.refute("nothing")
        refused = [f["ref"] for device in devices for f in device.waiting if f["type"] == "error"]

    assert 2 <= len(refused) <= 4, "two hellos, and the frames of what they brought"


async def test_a_sync_costs_by_what_it_brings(
    live_world: World, settings: Settings, clock: Clock
) -> None:
    settings.SOCKET_COMMANDS_PER_MINUTE = 60
    for _ in range(20):
        await in_database(make_group, live_world.alice, live_world.bob)
    async with connected(live_world.bob) as (bob,):
        budget = session.command_budget(str(live_world.bob.id))
        everything = budget._refilled()
        await bob.sync()
        nothing_new = budget._refilled()

    assert everything == pytest.approx(60 - 1 - 0.1 * 21)
    assert nothing_new == pytest.approx(everything - 1)


async def test_who_says_hello_too_often_is_sent_away_for_a_while(
    live_world: World, settings: Settings, clock: Clock
) -> None:
    settings.SOCKET_COMMANDS_PER_MINUTE = 60
    spent = session.command_budget(str(live_world.bob.id))
    spent.charge(600)
    async with connected(live_world.alice):
        bob = await device_of(live_world.bob)
        await bob.open()
        await bob.say(type="hello", token=bob.token)
        assert await bob.expect_close() == 4429

    clock.now += 3
    async with connected(live_world.bob):
        pass


async def test_bad_tokens_come_out_of_the_addresss_budget(
    live_world: World, settings: Settings
) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 0, 3
    codes = []
    for _ in range(4):
        device = Device("nonsense")
        await device.open()
        await device.say(type="hello", token="nonsense")
        codes.append(await device.expect_close())

    assert codes == [4401, 4401, 4401, 4429]


async def test_security_18_an_address_has_so_many_sockets_and_gets_their_places_back(
    live_world: World, settings: Settings
) -> None:
    settings.SOCKETS_PER_ADDRESS = 3
    async with connected(live_world.alice, live_world.bob):
        silent = Device()
        await silent.open()
        fourth = await device_of(live_world.charlie)
        await fourth.open()
        assert await fourth.expect_close() == 4429
        await fourth.close()
        await silent.close()
        async with connected(live_world.charlie):
            pass
    await _empty()


async def test_security_18_hellos_at_once_do_not_pass_the_cap_of_a_person(
    live_world: World, settings: Settings
) -> None:
    settings.SOCKETS_PER_USER = 3
    devices = [await device_of(live_world.bob) for _ in range(8)]

    async def come(device: Device) -> str | int:
        await device.open()
        await device.say(type="hello", token=device.token, epoch=None, versions={})
        async with asyncio.timeout(10):
            while device.close_code is None:
                if any(frame["type"] == "synced" for frame in device.waiting):
                    return "in"
                await device._receive()
        return device.close_code

    said = await asyncio.gather(*(come(device) for device in devices))

    assert sorted(map(str, said)) == ["4429"] * 5 + ["in"] * 3
    await asyncio.gather(*(device.close() for device in devices))
    await _empty()


async def test_security_22_a_process_has_so_many_sockets(
    live_world: World, settings: Settings
) -> None:
    settings.SOCKETS_PER_PROCESS = 2
    async with connected(live_world.alice, live_world.bob):
        third = await device_of(live_world.charlie)
        await third.open()
        assert await third.expect_close() == 4429
        await third.close()
    async with connected(live_world.charlie):
        pass
    await _empty()


async def test_security_22_of_too_many_silent_sockets_those_that_came_first_go(
    live_world: World, settings: Settings
) -> None:
    """So a flood of them keeps nobody out who says hello."""
    settings.SOCKETS_PER_PROCESS = 3 * SILENT_SHARE
    silent = [Device() for _ in range(4)]
    for device in silent:
        await device.open()
    assert await silent[0].expect_close() == 4408

    async with connected(live_world.bob, live_world.alice) as devices:
        for device in devices:
            await device.sync()
        assert await silent[1].expect_close() == 4408, "in the first one's favour"
        for device in silent[2:]:
            await device.say(type="hello", token="nonsense")
            assert await device.expect_close() == 4401, "they were there all the time"
    for device in silent:
        await device.close()
    await _empty()


async def test_a_page_of_a_foreign_origin_takes_no_place(
    live_world: World, settings: Settings
) -> None:
    settings.SOCKETS_PER_ADDRESS = 1
    foreign = Device(headers=[HEADERS[0], (b"origin", b"https://evil.example")])
    await foreign.open()
    assert await foreign.expect_close() == 4503
    async with connected(live_world.bob):
        pass


async def test_what_never_spoke_leaves_nothing_behind(live_world: World) -> None:
    for _ in range(3):
        device = Device()
        with contextlib.suppress(TimeoutError):
            await device.open()
        await device.close()
    await _empty()


async def _empty() -> None:
    """Wait until no socket counts any more."""
    for _ in range(1000):
        if not len(crowd()):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("places are still taken")
