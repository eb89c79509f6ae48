"""What a device hears last of a process that stops."""

import asyncio
import uuid
from typing import Any

import pytest

from chat.actions.sending import asend_messages
from chat.protocol import Close
from chat.ws import consumer, sends
from chat.ws.draining import drain
from pneumatic.testing.factories import World
from pneumatic.testing.socket import device_of

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


async def test_everything_that_was_received_before_is_answered_before_the_socket_closes(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def send_when_told(**fields: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await asend_messages(**fields)

    monkeypatch.setattr(sends, "asend_messages", send_when_told)
    bob = await device_of(live_world.bob)
    await bob.hello()
    for ref in "abcde":
        await bob.say(
            type="message.send",
            ref=ref,
            id=uuid.uuid4(),
            conversation=live_world.group.id,
            body=ref,
        )
    async with asyncio.timeout(10):
        await begun.wait()
    draining = asyncio.create_task(drain(0))
    await asyncio.sleep(0.05)  # It has begun: each socket has been told.
    go_on.set()
    assert await bob.expect_close() == Close.RESTARTING
    assert [each["ref"] for each in bob.received if each["type"] == "ack"] == list("abcde")
    await draining
    await bob.close()


async def test_who_has_not_said_hello_yet_is_sent_away_too(live_world: World) -> None:
    newcomer = await device_of(live_world.bob)
    await newcomer.open()
    await drain(0)
    assert await newcomer.expect_close() == Close.RESTARTING
    await newcomer.close()


async def test_what_takes_too_long_is_not_waited_for(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "_LAST_WORDS_SECONDS", 0.05)
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hang(*_: Any) -> None:
        asked.set()
        await go_on.wait()

    bob = await device_of(live_world.bob)
    await bob.hello()
    monkeypatch.setattr(consumer.ChatConsumer, "_handle", hang)
    await bob.say(type="sync", versions={})
    async with asyncio.timeout(10):
        await asked.wait()
    await drain(0)
    assert await bob.expect_close() == Close.RESTARTING
    go_on.set()
    await bob.close()
