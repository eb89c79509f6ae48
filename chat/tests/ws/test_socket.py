import asyncio
import json
import uuid
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.actions import revoke_session
from accounts.authentication import authenticate_token
from accounts.models import Session, User
from chat import limits, queries
from chat.actions.conversations import change_group
from chat.actions.members import add_member, change_role, remove_member
from chat.actions.messages import edit_message
from chat.errors import BadField
from chat.models import Message
from chat.queries import seats_of
from pneumatic.lib.errors import Unavailable
from pneumatic.lib.threads import in_database
from pneumatic.testing.factories import World, make_direct, make_session, make_token, say
from pneumatic.testing.socket import Device, connected, device_of

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


async def test_hello_is_answered_with_everything_the_person_may_see(live_world: World) -> None:
    await in_database(say, live_world.alice, live_world.group, "welcome")
    device = await device_of(live_world.bob)
    welcome = await device.hello()
    assert welcome["user"]["username"] == "bob"
    assert welcome["protocol"] == 1
    assert welcome["limits"]["body_chars"] == limits.BODY_CHARS
    history = device.mirror.history(str(live_world.group.id))
    assert [row["body"] for row in history] == ["created the group", "welcome"]
    row = device.mirror.conversations[str(live_world.group.id)].row
    assert row is not None
    assert row["me"]["unread"] == 2
    await device.close()


async def test_a_stranger_sees_no_conversation(live_world: World) -> None:
    async with connected(live_world.charlie) as (device,):
        assert device.mirror.conversations == {}


async def test_a_message_reaches_every_device_of_every_member_and_nobody_else(
    live_world: World,
) -> None:
    world = live_world
    async with connected(world.alice, world.alice, world.bob, world.charlie) as devices:
        laptop, phone, bob, charlie = devices
        ack = await laptop.send(world.group, "hello")
        for device in (laptop, phone, bob):
            event = await device.expect("message", version=ack["version"])
            assert event["data"]["body"] == "hello"
            assert event["data"]["seq"] == ack["seq"]
        await charlie.refute("message")


async def test_an_acknowledged_message_is_committed_once(live_world: World) -> None:
    async with connected(live_world.alice, live_world.bob) as (alice, bob):
        id = uuid.uuid4()
        first = await alice.send(live_world.group, "hi", id=id)
        second = await alice.send(live_world.group, "hi", id=id)
        assert (first["duplicate"], second["duplicate"]) == (False, True)
        assert (first["seq"], first["version"]) == (second["seq"], second["version"])
        await bob.expect("message")
        await bob.refute("message")
        assert await in_database(Message.objects.filter(id=id).count) == 1


async def test_what_was_missed_comes_with_the_next_hello(live_world: World) -> None:
    world = live_world
    bob = await device_of(world.bob)
    await bob.hello()
    await bob.close()
    message = await in_database(say, world.alice, world.group, "helo")
    await in_database(
        edit_message,
        editor=world.alice,
        conversation_id=world.group.id,
        message_id=message.id,
        body="hello",
    )
    back = Device(bob.token, mirror=bob.mirror)
    await back.hello()
    assert back.mirror.history(str(world.group.id))[-1]["body"] == "hello"
    frames = [frame for frame in back.waiting if frame["type"] == "sync"]
    assert [(frame["reset"], frame["more"], len(frame["messages"])) for frame in frames] == [
        (False, False, 1)
    ]
    await back.close()


async def test_a_device_that_missed_nothing_is_sent_nothing(live_world: World) -> None:
    bob = await device_of(live_world.bob)
    await bob.hello()
    await bob.close()
    back = Device(bob.token, mirror=bob.mirror)
    await back.hello()
    assert [frame["type"] for frame in back.waiting if frame["type"] == "sync"] == []
    await back.close()


async def test_another_history_makes_known_versions_void(live_world: World) -> None:
    bob = await device_of(live_world.bob)
    await bob.open()
    await bob.say(
        type="hello",
        token=bob.token,
        epoch=uuid.uuid4(),
        versions={str(live_world.group.id): 2},
    )
    assert (await bob.expect("sync"))["reset"] is True
    await bob.close()


async def test_a_device_far_behind_gets_the_conversation_anew(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SYNC_MAX", 3)
    bob = await device_of(live_world.bob)
    await bob.hello()
    await bob.close()
    for number in range(4):
        await in_database(say, live_world.alice, live_world.group, str(number))
    back = Device(bob.token, mirror=bob.mirror)
    await back.hello()
    assert [frame["reset"] for frame in back.waiting if frame["type"] == "sync"] == [True]
    await back.close()


async def test_a_long_sync_comes_in_parts_and_counts_only_when_it_is_whole(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SYNC_FRAME_ROWS", 2)
    bob = await device_of(live_world.bob)
    await bob.hello()
    frames = [frame for frame in bob.waiting if frame["type"] == "sync"]
    assert [frame["more"] for frame in frames] == [True, False]
    assert frames[0]["to"] == frames[0]["from"] == 0
    assert [frame["reset"] for frame in frames] == [True, False]
    assert frames[1]["to"] == frames[1]["data"]["version"]
    await bob.close()


async def test_who_is_added_gets_the_conversation_at_once(live_world: World) -> None:
    world = live_world
    async with connected(world.charlie, world.bob) as (charlie, bob):
        await in_database(
            add_member, adder=world.alice, conversation_id=world.group.id, user_id=world.charlie.id
        )
        frame = await charlie.expect("sync", conversation=str(world.group.id))
        assert frame["reset"] is True
        await bob.expect("member")
        await in_database(say, world.alice, world.group, "hi charlie")
        event = await charlie.expect("message")
        while event["data"]["body"] != "hi charlie":
            event = await charlie.expect("message")


async def test_who_was_removed_hears_nothing_more(live_world: World) -> None:
    world = live_world
    async with connected(world.alice, world.bob) as (alice, bob):
        await in_database(
            remove_member, remover=world.alice, conversation_id=world.group.id, user_id=world.bob.id
        )
        await bob.expect("conversation.removed", conversation=str(world.group.id))
        ack = await alice.send(world.group, "without bob")
        await alice.expect("message", version=ack["version"])
        await bob.refute("message")
        await bob.say(type="sync", versions={str(world.group.id): 0}, ref="s")
        await bob.expect("conversation.removed")
        await bob.expect("synced", ref="s")
        assert bob.mirror.conversations == {}


async def test_removal_holds_even_where_the_announcement_of_it_was_lost(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chat import fanout

    world = live_world
    async with connected(world.alice, world.bob) as (alice, bob):
        monkeypatch.setattr(fanout, "membership_ended", lambda *_, **__: None)
        await in_database(
            remove_member, remover=world.alice, conversation_id=world.group.id, user_id=world.bob.id
        )
        ack = await alice.send(world.group, "without bob")
        await alice.expect("message", version=ack["version"])
        await bob.expect("conversation.removed")
        await bob.refute("message")
        await bob.refute("member")


async def test_renames_and_roles_arrive_as_events(live_world: World) -> None:
    world = live_world
    async with connected(world.bob) as (bob,):
        await in_database(
            change_group, changer=world.alice, conversation_id=world.group.id, title="Landing crew"
        )
        event = await bob.expect("conversation")
        assert event["data"]["title"] == "Landing crew"
        assert "me" not in event["data"]
        await in_database(
            change_role,
            changer=world.alice,
            conversation_id=world.group.id,
            user_id=world.bob.id,
            role="admin",
        )
        assert (await bob.expect("member"))["data"]["role"] == "admin"


async def test_receipts_reach_the_others_and_ones_own_devices_with_counts(
    live_world: World,
) -> None:
    world = live_world
    async with connected(world.alice, world.bob, world.bob) as (alice, laptop, phone):
        ack = await alice.send(world.group, "read me, @bob")
        await laptop.say(type="delivered", conversation=world.group.id, seq=ack["seq"])
        event = await alice.expect("receipt", user=str(world.bob.id))
        assert (event["read_seq"], event["delivered_seq"]) == (0, ack["seq"])
        assert "unread" not in event
        await laptop.say(type="read", conversation=world.group.id, seq=ack["seq"])
        event = await alice.expect("receipt", read_seq=ack["seq"])
        event = await phone.expect("receipt", read_seq=ack["seq"])
        assert (event["unread"], event["mentions"]) == (0, 0)
        await laptop.say(type="read", conversation=world.group.id, seq=1)
        await alice.refute("receipt", read_seq=1)


async def test_typing_reaches_the_others_only(live_world: World) -> None:
    world = live_world
    async with connected(world.alice, world.bob, world.charlie) as (alice, bob, charlie):
        await alice.say(type="typing", conversation=world.group.id, on=True)
        event = await bob.expect("typing")
        assert (event["user"], event["on"]) == (str(world.alice.id), True)
        await alice.refute("typing")
        await charlie.say(type="typing", conversation=world.group.id, on=True)
        assert (await charlie.expect("error"))["code"] == "not_found"
        await bob.refute("typing", user=str(world.charlie.id))


async def test_coming_and_going_is_told_to_those_who_share_a_conversation(
    live_world: World,
) -> None:
    world = live_world
    async with connected(world.bob, world.charlie) as (bob, charlie):
        alice = await device_of(world.alice)
        await alice.hello()
        assert (await bob.expect("presence", user=str(world.alice.id)))["online"] is True
        second = await device_of(world.alice)
        await second.hello()
        await second.close()
        await alice.close()
        event = await bob.expect("presence", user=str(world.alice.id))
        assert event["online"] is False
        await charlie.refute("presence", user=str(world.alice.id))


async def test_who_is_online_is_part_of_the_first_sync(live_world: World) -> None:
    async with connected(live_world.bob):
        alice = await device_of(live_world.alice)
        await alice.open()
        await alice.say(type="hello", token=alice.token)
        assert (await alice.expect("synced"))["online"] == [str(live_world.bob.id)]
        await alice.close()


async def test_a_lost_invitation_is_made_good_by_the_next_sync(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chat import fanout

    world = live_world
    async with connected(world.charlie) as (charlie,):
        monkeypatch.setattr(fanout, "membership_began", lambda *_: None)
        await in_database(
            add_member, adder=world.alice, conversation_id=world.group.id, user_id=world.charlie.id
        )
        await charlie.sync()
        assert str(world.group.id) in charlie.mirror.conversations
        await in_database(say, world.alice, world.group, "now live")
        await charlie.expect("message")


async def test_a_new_direct_conversation_appears_on_both_sides(live_world: World) -> None:
    world = live_world
    async with connected(world.alice, world.charlie) as (alice, charlie):
        direct = await in_database(make_direct, world.alice, world.charlie)
        for device in (alice, charlie):
            await device.expect("sync", conversation=str(direct.id))
        await charlie.send(direct, "hi alice")
        await alice.expect("message", conversation=str(direct.id))


# --- Tokens and closing -------------------------------------------------------------------------


async def test_a_socket_without_a_good_token_is_closed(live_world: World) -> None:
    for hello in ({"token": "nonsense"}, {"token": None}, {}):
        device = Device()
        await device.open()
        await device.say(type="hello", **hello)
        assert await device.expect_close() == 4401


async def test_speaking_before_hello_closes_the_socket(live_world: World) -> None:
    device = Device()
    await device.open()
    await device.say(type="ping")
    assert await device.expect_close() == 4401


async def test_the_token_may_come_with_the_handshake(live_world: World) -> None:
    token = await in_database(make_token, live_world.bob)
    device = Device(headers=[(b"authorization", f"Bearer {token}".encode())])
    await device.open()
    await device.say(type="hello")
    await device.expect("welcome")
    await device.close()


async def test_no_hello_in_time_closes_the_socket(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HELLO_SECONDS", 0.01)
    device = Device()
    await device.open()
    assert await device.expect_close() == 4408


@pytest.mark.parametrize(
    "origin",
    [b"https://evil.example", b"null", b"http://testserver.evil.example", b"http://testserver:81"],
)
async def test_a_foreign_page_cannot_open_a_socket(live_world: World, origin: bytes) -> None:
    device = Device(headers=[(b"host", b"testserver"), (b"origin", origin)])
    await device.open()
    assert await device.expect_close() == 4503


async def test_two_origins_are_none(live_world: World) -> None:
    ours = (b"origin", b"http://testserver")
    device = Device(headers=[(b"host", b"testserver"), ours, ours])
    await device.open()
    assert await device.expect_close() == 4503


async def test_a_client_of_another_protocol_is_told_to_stop(live_world: World) -> None:
    device = Device(subprotocols=["pneumatic.v9"])
    await device.open()
    assert await device.expect_close() == 4500


async def test_a_revoked_session_is_closed_and_other_sessions_stay(live_world: World) -> None:
    stolen = await in_database(make_session, live_world.bob)
    device = Device(await in_database(make_token, live_world.bob, stolen))
    await device.hello()
    async with connected(live_world.bob) as (other,):
        await in_database(revoke_session, user=live_world.bob, session_id=stolen.id)
        assert await device.expect_close() == 4501
        await other.refute("error")


async def test_a_token_is_renewed_in_place(live_world: World) -> None:
    session = await in_database(make_session, live_world.bob)
    device = Device(await in_database(make_token, live_world.bob, session))
    await device.hello()
    fresh = await in_database(make_token, live_world.bob, session)
    await device.say(type="auth", token=fresh, ref="a")
    assert (await device.expect("authed"))["ref"] == "a"
    foreign = await in_database(make_token, live_world.alice)
    await device.say(type="auth", token=foreign, ref="b")
    assert (await device.expect("error", ref="b"))["code"] == "unauthenticated"
    await device.close()


async def test_a_token_that_ends_is_announced_and_then_ends_the_socket(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from chat.ws import handlers

    monkeypatch.setattr(limits, "AUTH_GRACE", 0.05)
    real = authenticate_token

    def short_lived(token: str) -> object:
        from dataclasses import replace

        from django.utils import timezone

        return replace(real(token), expires_at=timezone.now() + timedelta(seconds=0.2))

    monkeypatch.setattr(handlers, "authenticate_token", short_lived)
    device = await device_of(live_world.bob)
    await device.hello()
    await device.expect("auth.expiring")
    assert await device.expect_close() == 4401


# --- Bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "42",
        '{"type":"nope"}',
        '{"type":"ping","t":NaN}',
        '{"type":"ping","unknown":1}',
        '{"type":"message.send","id":"x","conversation":"y","body":1}',
        '{"type":"ping","t":' + "9" * 5000 + "}",
        '{"type":"hello","versions":' + "[" * 30_000,
        '{"type":"ping","t":"\\ud800"}',
        '{"type":"read","conversation":"00000000-0000-4000-8000-000000000000","seq":-1}',
    ],
    ids=lambda text: text[:40],
)
async def test_a_malformed_frame_gets_an_error_and_the_socket_lives(
    live_world: World, text: str
) -> None:
    async with connected(live_world.bob) as (bob,):
        await bob.say_text(text)
        assert (await bob.expect("error"))["code"] == "invalid"
        await bob.say(type="ping", ref="alive")
        await bob.expect("pong", ref="alive")


async def test_an_error_names_the_frame_and_the_field(live_world: World) -> None:
    async with connected(live_world.bob) as (bob,):
        await bob.say(
            type="message.send", id="x", conversation=live_world.group.id, body="", ref="r1"
        )
        error = await bob.expect("error", ref="r1")
        assert list(error["errors"]) == ["id"]
        await bob.say(
            type="message.send",
            id=uuid.uuid4(),
            conversation=live_world.group.id,
            body="",
            ref="r2",
        )
        error = await bob.expect("error", ref="r2")
        assert list(error["errors"]) == ["body"]


async def test_a_binary_frame_is_malformed(live_world: World) -> None:
    async with connected(live_world.bob) as (bob,):
        await bob.socket.send_to(bytes_data=b"{}")
        assert (await bob.expect("error"))["code"] == "invalid"


async def test_a_client_that_goes_on_being_malformed_is_closed(live_world: World) -> None:
    bob = await device_of(live_world.bob)
    await bob.hello()
    for _ in range(limits.BAD_FRAMES + 1):
        await bob.say_text("nonsense")
    assert await bob.expect_close() == 4500


async def test_a_frame_that_is_too_large_closes_at_once(live_world: World) -> None:
    bob = await device_of(live_world.bob)
    await bob.hello()
    await bob.say_text(json.dumps({"type": "ping", "t": "ü" * (limits.FRAME_BYTES // 2)}))
    assert await bob.expect_close() == 4500


async def test_too_many_frames_close_the_socket(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FRAMES_BURST", 5)
    bob = await device_of(live_world.bob)
    await bob.hello()
    for _ in range(10):
        await bob.say(type="ping")
    assert await bob.expect_close() == 4429


async def test_more_sockets_than_a_person_has_devices_are_refused(
    live_world: World, settings: Settings
) -> None:
    settings.SOCKETS_PER_USER = 1
    async with connected(live_world.bob):
        second = await device_of(live_world.bob)
        await second.open()
        await second.say(type="hello", token=second.token)
        assert await second.expect_close() == 4429


async def test_a_second_hello_is_an_error(live_world: World) -> None:
    async with connected(live_world.bob) as (bob,):
        await bob.say(type="hello", token=bob.token, ref="again")
        assert (await bob.expect("error", ref="again"))["code"] == "invalid"


async def test_sends_beyond_the_budget_wait_and_are_not_lost(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chat.ws import handlers
    from pneumatic.lib.ratelimit import Budget

    budget = Budget(per_minute=2, per_hour=100)
    monkeypatch.setattr(handlers, "user_budget", lambda: budget)
    async with connected(live_world.bob) as (bob,):
        await bob.send(live_world.group, "one")
        await bob.send(live_world.group, "two")
        await bob.say(
            type="message.send",
            id=uuid.uuid4(),
            conversation=live_world.group.id,
            body="three",
            ref="r",
        )
        error = await bob.expect("error", ref="r")
        assert error["code"] == "rate_limited"
        assert 0 < error["retry_after"] <= 30


async def test_a_reader_that_stays_behind_is_closed(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chat.ws.consumer import ChatConsumer

    reads = asyncio.Event()
    reads.set()
    real = ChatConsumer._send_text

    async def send_when_read(self: ChatConsumer, text: str) -> None:
        if getattr(self, "user_id", None) == live_world.bob.id:
            await reads.wait()
        await real(self, text)

    monkeypatch.setattr(ChatConsumer, "_send_text", send_when_read)
    monkeypatch.setattr(limits, "OUTBOUND_FRAMES", 20)
    async with connected(live_world.alice, live_world.bob) as (alice, bob):
        reads.clear()
        for number in range(30):
            await alice.send(live_world.group, str(number))
        assert await bob.expect_close() == 4408


async def test_a_defect_in_a_handler_costs_an_answer_not_the_socket(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chat.ws import sends

    def broken(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sends, "send_messages", broken)
    async with connected(live_world.bob) as (bob,):
        await bob.say(
            type="message.send",
            id=uuid.uuid4(),
            conversation=live_world.group.id,
            body="x",
            ref="r",
        )
        assert (await bob.expect("error", ref="r"))["code"] == "unavailable"
        await bob.refute("error")


async def test_people_who_meet_while_both_are_online_see_each_other_online(
    live_world: World,
) -> None:
    world = live_world
    async with connected(world.alice, world.charlie) as (alice, charlie):
        await in_database(make_direct, world.alice, world.charlie)
        await alice.expect("presence", user=str(world.charlie.id), online=True)
        await charlie.expect("presence", user=str(world.alice.id), online=True)


async def test_a_sync_of_any_size_arrives(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OUTBOUND_BYTES", 20_000)
    for number in range(20):
        await in_database(say, live_world.alice, live_world.group, f"{number} " * 500)
    monkeypatch.setattr(limits, "SYNC_FRAME_ROWS", 2)
    async with connected(live_world.bob) as (bob,):
        assert len(bob.mirror.history(str(live_world.group.id))) == 21


async def test_a_sync_that_races_a_removal_tells_nothing_that_came_after_it(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chat import catchup

    world = live_world
    real = catchup._changed_members

    def removed_meanwhile(behind: object) -> object:
        for conversation in {each.seat.conversation_id for each in behind}:  # type: ignore[attr-defined]
            remove_member(remover=world.alice, conversation_id=conversation, user_id=world.bob.id)
            say(world.alice, world.group, "without bob")
        return real(behind)  # type: ignore[arg-type]

    version = (await in_database(seats_of(world.bob).get)).conversation.version
    monkeypatch.setattr(catchup, "_changed_members", removed_meanwhile)
    found = await in_database(catchup.since, world.bob, {}, same_history=False)
    (part,) = found.parts
    frames = (await in_database(catchup.page, part)).frames
    versions = [row.version for frame in frames for row in frame.members]
    versions += [row.version for frame in frames for row in frame.messages]
    assert versions
    assert max(versions) <= version


async def test_who_is_removed_while_saying_hello_hears_nothing_more_f37(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    real = queries.entrance

    def removed_meanwhile(user: User, session_id: uuid.UUID) -> Any:
        found = real(user, session_id)
        if user == world.bob:
            remove_member(remover=world.alice, conversation_id=world.group.id, user_id=user.id)
        return found

    monkeypatch.setattr(queries, "entrance", removed_meanwhile)
    async with connected(world.alice) as (alice,):
        bob = await device_of(world.bob)
        await bob.open()
        await bob.say(type="hello", token=bob.token)
        await bob.expect("welcome")
        ack = await alice.send(world.group, "without bob")
        await alice.expect("message", version=ack["version"])
        await bob.expect("synced")
        await bob.refute("message")
        assert str(world.group.id) not in bob.mirror.conversations
        await bob.close()


async def test_a_session_that_ends_during_hello_is_not_let_in(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await in_database(make_session, live_world.bob)
    real = queries.entrance

    def revoked_meanwhile(user: User, session_id: uuid.UUID) -> Any:
        Session.objects.filter(id=session.id).update(
            revoked_at=timezone.now(), revoked_reason="signed_out"
        )
        return real(user, session_id)

    monkeypatch.setattr(queries, "entrance", revoked_meanwhile)
    device = Device(await in_database(make_token, live_world.bob, session))
    await device.open()
    await device.say(type="hello", token=device.token)
    assert await device.expect_close() == 4501


async def test_a_hello_that_the_database_interrupts_can_be_said_again(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise Unavailable

    device = await device_of(live_world.bob)
    with monkeypatch.context() as patch:
        patch.setattr(queries, "entrance", away)
        await device.open()
        await device.say(type="hello", token=device.token)
        assert await device.expect_close() == 4408
    async with Device(device.token):
        pass


@pytest.mark.parametrize("origin", [b"http://[", b"http://testserver@evil.example"])
async def test_an_origin_that_is_no_address_is_refused(live_world: World, origin: bytes) -> None:
    device = Device(headers=[(b"host", b"testserver"), (b"origin", origin)])
    await device.open()
    assert await device.expect_close() == 4503


async def test_nobody_is_in_more_conversations_than_a_hello_can_name(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONVERSATIONS", 1)
    with pytest.raises(BadField):
        await in_database(make_direct, live_world.alice, live_world.charlie)
