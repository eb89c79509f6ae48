"""Who may say what on the socket: every command of the protocol × everybody."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from chat import protocol
from chat.models import Conversation, Membership, Message
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import make_token
from pneumatic.testing.socket import Device, the_end
from tests.security import matrix
from tests.security.world import OUTSIDE, ROLES, Cast, make_cast

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


@pytest_asyncio.fixture
async def cast(transactional_db: None) -> AsyncIterator[Cast]:
    yield await in_database(make_cast)
    await the_end()


def command_for(kind: str, conversation: Conversation, token: str | None) -> dict[str, Any]:
    """The command, as somebody says it who may."""
    fields: dict[str, dict[str, Any]] = {
        "hello": {"token": token, "versions": {}},
        "message.send": {"id": uuid.uuid4(), "conversation": conversation.id, "body": "hello"},
        "read": {"conversation": conversation.id, "seq": 1},
        "delivered": {"conversation": conversation.id, "seq": 1},
        "typing": {"conversation": conversation.id, "on": True},
        "sync": {"versions": {str(conversation.id): 0}, "partial": True},
        # Somebody else's token, on a socket that is another's.
        "auth": {"token": token},
        "ping": {},
    }
    return {"type": kind, "ref": "r1", **fields[kind]}


def _stored(conversation: Conversation) -> list[Any]:
    return [
        list(Message.objects.filter(conversation=conversation).order_by("seq").values()),
        list(Membership.objects.filter(conversation=conversation).order_by("pk").values()),
    ]


async def test_the_matrix_knows_every_command_and_no_other() -> None:
    """A new command fails here until somebody has said who may say it."""
    assert set(matrix.COMMANDS) == {str(each.__struct_config__.tag) for each in protocol.COMMANDS}


@pytest.mark.parametrize("kind", sorted(matrix.COMMANDS))
@pytest.mark.parametrize("role", ROLES)
async def test_everybody_gets_the_expected_answer_to_every_command(
    cast: Cast, kind: str, role: str
) -> None:
    expected = matrix.COMMANDS[kind].split()[ROLES.index(role)]
    foreign = await in_database(make_token, cast.gina)
    before = await in_database(_stored, cast.group)
    witness = Device(await in_database(make_token, cast.gina), user=cast.gina)
    await witness.hello()
    device = Device(cast.tokens[role])
    await device.open()
    if kind == "hello":
        await device.say(**command_for(kind, cast.group, cast.tokens[role]))
    elif role == "stranger":
        # Even with a token that is good: the first word is hello.
        await device.say(**command_for(kind, cast.group, foreign))
    elif role in OUTSIDE:
        # Nothing can be said without a hello, and that is where it ends.
        await device.say(type="hello", token=cast.tokens[role])
    else:
        await device.say(type="hello", token=cast.tokens[role])
        await device.expect("synced")
        await device.say(**command_for(kind, cast.group, foreign))

    if expected.isdecimal():
        assert await device.expect_close() == int(expected)
        assert device.received == []
    elif expected == "quiet":
        await device.refute("error")
    elif expected in ("welcome", "ack", "synced", "pong"):
        await device.expect(expected)
    else:
        error = await device.expect("error", ref="r1")
        assert error["code"] == expected
    if expected.isdecimal() or expected in ("not_found", "unauthenticated"):
        assert await in_database(_stored, cast.group) == before
        # Nothing of it has reached the conversation.
        for event in ("message", "receipt", "typing", "presence"):
            if event != "presence" or role not in ("member", "admin", "owner"):
                await witness.refute(event)
    if role in ("former", "elsewhere", "staff", "superuser"):
        assert str(cast.group.id) not in str([f for f in device.received if f["type"] == "sync"])
        assert "between us" not in str(device.received)
    await device.close()
    await witness.close()


@pytest.mark.parametrize("kind", ["message.send", "read", "delivered", "typing"])
@pytest.mark.parametrize("role", ["former", "elsewhere", "superuser"])
async def test_what_one_may_not_see_is_answered_like_what_is_not_there(
    cast: Cast, kind: str, role: str
) -> None:
    async with Device(cast.tokens[role]) as device:
        await device.say(**command_for(kind, cast.group, None))
        real = await device.expect("error", ref="r1")
        await device.say(**command_for(kind, Conversation(id=uuid.uuid4()), None))
        assert await device.expect("error", ref="r1") == real
        assert real["code"] == "not_found"


@pytest.mark.parametrize("role", ["former", "elsewhere", "superuser"])
async def test_a_sync_brings_nothing_of_what_one_may_not_see_but_its_removal(
    cast: Cast, role: str
) -> None:
    async with Device(cast.tokens[role]) as device:
        await device.say(type="sync", ref="s", versions={str(cast.group.id): 1}, states=True)
        await device.expect("synced", ref="s")
        removed = await device.expect("conversation.removed")
        assert removed["conversation"] == str(cast.group.id)
        assert "between us" not in str(device.received)
        assert cast.group.title not in str(
            [frame for frame in device.received if frame.get("conversation") == str(cast.group.id)]
        )


@pytest.mark.parametrize("way", ["removed", "suspended"])
async def test_who_is_put_out_hears_nothing_more_on_an_open_socket(cast: Cast, way: str) -> None:
    from accounts.actions.users import suspend_user
    from chat.actions.members import remove_member

    member, owner = cast.people["member"], cast.people["owner"]
    async with asyncio.timeout(30):
        device = Device(cast.tokens["member"], user=member)
        await device.hello()
        if way == "removed":
            await in_database(
                remove_member, remover=owner, conversation_id=cast.group.id, user_id=member.id
            )
            await device.expect("conversation.removed")
        else:
            await in_database(suspend_user, user=member)
            assert await device.expect_close() == protocol.Close.REVOKED
        async with Device(cast.tokens["owner"]) as speaker:
            await speaker.send(cast.group, "now that we are alone")
        if way == "removed":
            await device.refute("message")
            await device.say(**command_for("message.send", cast.group, None))
            assert (await device.expect("error"))["code"] == "not_found"
        assert "now that we are alone" not in str(device.received)
        await device.close()
