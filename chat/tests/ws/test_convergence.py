"""Whatever happens to whom in which order: in the end each device has what a fresh one is told."""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from chat import limits
from chat.actions.conversations import change_group
from chat.actions.members import add_member, change_role, remove_member
from chat.actions.messages import delete_message, edit_message
from chat.actions.profiles import change_profile
from chat.actions.receipts import mark_read
from chat.actions.sending import send_message
from chat.models import Conversation, Message
from pneumatic.lib import realtime
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.errors import ProblemError
from pneumatic.testing.factories import make_direct, make_group, make_user
from pneumatic.testing.socket import Device, device_of, the_end

_PEOPLE = ("alice", "bob", "charlie")
_DEVICES = ("alice", "alice", "bob", "bob", "charlie")
_who = st.sampled_from(_PEOPLE)
_which = st.integers(0, 7)
_device = st.integers(0, len(_DEVICES) - 1)
_steps = st.one_of(
    st.tuples(st.just("send"), _who, st.integers(0, 1)),
    st.tuples(st.just("resend"), _who, _which),
    st.tuples(st.just("edit"), _who, _which),
    st.tuples(st.just("delete"), _who, _which),
    st.tuples(st.just("read"), _who, _which),
    st.tuples(st.just("rename"), _who, _which),
    st.tuples(st.just("profile"), _who, _which),
    st.tuples(st.just("add"), _who, _who),
    st.tuples(st.just("remove"), _who, _who),
    st.tuples(
        st.just("role"), _who, st.tuples(_who, st.sampled_from(["owner", "admin", "member"]))
    ),
    st.tuples(st.just("drop"), _device, st.none()),
    st.tuples(st.just("return"), _device, st.none()),
    st.tuples(st.just("deaf"), _device, st.integers(1, 4)),
)


class Play:
    """One world of three people, and what has been sent in it."""

    def __init__(self) -> None:
        mark = uuid.uuid4().hex[:8]
        self.people: dict[str, User] = {name: make_user(f"{name}-{mark}") for name in _PEOPLE}
        alice, bob, _ = self.people.values()
        self.conversations: list[Conversation] = [make_group(alice, bob), make_direct(alice, bob)]
        self.sent: list[tuple[str, Conversation, uuid.UUID, str]] = []

    def do(self, what: str, who: str, detail: Any) -> None:
        """Act; what is refused changes nothing and is none of this test's business."""
        with suppress(ProblemError):
            getattr(self, f"_{what}")(self.people[who], detail)

    def _send(self, user: User, where: int) -> None:
        entry = (user.username, self.conversations[where], uuid.uuid4(), f"no. {len(self.sent)}")
        self.sent.append(entry)
        send_message(sender=user, conversation_id=entry[1].id, id=entry[2], body=entry[3])

    def _resend(self, user: User, which: int) -> None:
        for name, conversation, id, body in self.sent[which : which + 1]:
            sender = next(each for each in self.people.values() if each.username == name)
            send_message(sender=sender, conversation_id=conversation.id, id=id, body=body)

    def _edit(self, user: User, which: int) -> None:
        for _, conversation, id, body in self.sent[which : which + 1]:
            edit_message(
                editor=user, conversation_id=conversation.id, message_id=id, body=f"{body}, edited"
            )

    def _delete(self, user: User, which: int) -> None:
        for _, conversation, id, _ in self.sent[which : which + 1]:
            delete_message(deleter=user, conversation_id=conversation.id, message_id=id)

    def _read(self, user: User, seq: int) -> None:
        mark_read(user=user, conversation_id=self.conversations[0].id, seq=seq)

    def _rename(self, user: User, number: int) -> None:
        change_group(changer=user, conversation_id=self.conversations[0].id, title=f"G{number}")

    def _profile(self, user: User, number: int) -> None:
        change_profile(user=user, display_name=f"{user.username} {number}")

    def _add(self, user: User, other: str) -> None:
        group = self.conversations[0].id
        add_member(adder=user, conversation_id=group, user_id=self.people[other].id)

    def _remove(self, user: User, other: str) -> None:
        group = self.conversations[0].id
        remove_member(remover=user, conversation_id=group, user_id=self.people[other].id)

    def _role(self, user: User, detail: tuple[str, str]) -> None:
        other, role = detail
        change_role(
            changer=user,
            conversation_id=self.conversations[0].id,
            user_id=self.people[other].id,
            role=role,
        )


async def _play(steps: list[tuple[str, Any, Any]], lose: Callable[[int], None]) -> None:
    play = await in_database(Play)
    devices = [await device_of(play.people[name]) for name in _DEVICES]
    up = [False] * len(devices)
    try:
        for index, device in enumerate(devices):
            up[index] = True
            await device.hello()
        for what, who, detail in steps:
            if what == "drop":
                if up[who]:
                    await devices[who].close()
                    up[who] = False
            elif what == "return":
                if not up[who]:
                    old = devices[who]
                    devices[who] = Device(old.token, user=old.user, mirror=old.mirror)
                    up[who] = True
                    await devices[who].hello()
            elif what == "deaf":
                lose(detail)
            else:
                await in_database(play.do, what, who, detail)
        lose(0)
        for index, device in enumerate(devices):
            if not up[index]:
                devices[index] = Device(device.token, user=device.user, mirror=device.mirror)
                up[index] = True
                await devices[index].hello()
            await devices[index].sync()
        await _compare(play, devices)
    finally:
        for index, device in enumerate(devices):
            if up[index]:
                await device.close()
        await the_end()


async def _compare(play: Play, devices: list[Device]) -> None:
    for name, device in zip(_DEVICES, devices, strict=True):
        async with await device_of(play.people[name]) as fresh:
            assert device.mirror.durable() == fresh.mirror.durable()
            for conversation_id in fresh.mirror.conversations:
                seqs = [row["seq"] for row in device.mirror.history(conversation_id)]
                assert seqs == list(range(1, len(seqs) + 1))
    for conversation in play.conversations:
        stored = await in_database(
            list, Message.objects.filter(conversation=conversation).values_list("id", flat=True)
        )
        assert len(stored) == len(set(stored)) <= limits.PAGE


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(_steps, max_size=20))
def test_every_device_ends_with_what_a_fresh_one_is_told(
    monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, Any, Any]]
) -> None:
    real, lost = realtime.publish, 0

    def lose(count: int) -> None:
        nonlocal lost
        lost = count

    def publish(group: str, envelope: realtime.Envelope) -> None:
        nonlocal lost
        if lost:
            lost -= 1
        else:
            real(group, envelope)

    with monkeypatch.context() as patch:
        patch.setattr(realtime, "publish", publish)
        asyncio.run(_play(steps, lose))
