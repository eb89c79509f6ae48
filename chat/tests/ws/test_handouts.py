"""What comes for a room at once goes to each of its sockets in one write, in order."""

import json
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from chat import groups
from chat.ws.handouts import hand_out
from chat.ws.outbound import Outbound
from chat.ws.rooms import Room, Socket
from pneumatic.lib.realtime import Envelope
from pneumatic.lib.realtime.readyframes import Line, text_frame
from pneumatic.testing.factories import World
from pneumatic.testing.socket import connected


class Writes:
    """A socket whose line takes so many writes, and then no more."""

    def __init__(self, takes: int = 1_000) -> None:
        self.user_id: UUID = uuid4()
        self.user_text = str(self.user_id)
        self.written: list[bytes] = []
        self._takes = takes
        self._changed: Any = None
        line = Line(write=self._write, watch=self._watch, listen=lambda _: None)
        self.outbound = Outbound(self._send, lambda _: None, lambda: None, line)

    async def _send(self, text: str) -> None:
        raise AssertionError("not on a server that takes ready frames")

    def _watch(self, changed: Any) -> None:
        self._changed = changed
        changed(self._takes > 0)

    def _write(self, frames: bytes) -> None:
        assert self._takes, "written to a line that takes nothing"
        self.written.append(frames)
        self._takes -= 1
        if not self._takes:
            self._changed(False)

    def read(self) -> None:
        """The peer has read what was written: all the rest has room."""
        self._takes = 1_000
        self._changed(True)


def room_of(*sockets: Writes) -> Room:
    room = Room(groups.conversation(uuid4()))
    for socket in sockets:
        room.let_in(cast(Socket, socket))
    return room


def event(text: str) -> Envelope:
    return {"kind": "event", "text": text, "at": 0.0}


def test_events_that_come_at_once_are_one_write_of_a_frame_each() -> None:
    alice, bob = Writes(), Writes()
    hand_out(room_of(alice, bob), [event("1"), event("22"), event("333")])
    together = b"".join(text_frame(text) for text in ("1", "22", "333"))
    assert alice.written == bob.written == [together]


def test_a_state_between_events_keeps_its_place_and_its_own_person_out() -> None:
    alice, bob = Writes(), Writes()
    state = {"kind": "state", "text": "typing", "without": str(bob.user_id)}
    hand_out(room_of(alice, bob), [event("1"), state, event("2")])
    assert b"".join(alice.written) == text_frame("1") + text_frame("typing") + text_frame("2")
    assert b"".join(bob.written) == text_frame("1") + text_frame("2")


def test_who_fills_up_in_the_middle_gets_the_rest_later_and_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chat.ws.handouts._WRITE", 30)
    slow, quick = Writes(takes=1), Writes()
    texts = [json.dumps({"number": number}) for number in range(6)]
    hand_out(room_of(slow, quick), [event(text) for text in texts])
    # Twelve characters each, two to a write.
    assert (len(quick.written), len(slow.written)) == (3, 1)
    assert b"".join(quick.written) == b"".join(text_frame(text) for text in texts)
    slow.read()
    first, rest = slow.written
    assert first == text_frame(texts[0]) + text_frame(texts[1])
    (batch,) = [json.loads(rest[2:] if rest[1] < 126 else rest[4:])]
    assert batch["events"] == [json.loads(text) for text in texts[2:]]


def test_an_event_longer_than_a_write_goes_alone() -> None:
    alice = Writes()
    long = "x" * 40_000
    hand_out(room_of(alice), [event("1"), event(long), event("2")])
    assert alice.written == [text_frame("1"), text_frame(long), text_frame("2")]


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_many_messages_of_a_moment_arrive_each_once_and_in_order(live_world: World) -> None:
    world = live_world
    async with connected(world.alice, world.bob) as (alice, bob):
        for number in range(20):
            await alice.say(
                type="message.send",
                id=str(uuid4()),
                conversation=world.group.id,
                body=f"number {number}",
            )
        heard = [await bob.expect("message") for _ in range(20)]
    assert [each["data"]["body"] for each in heard] == [f"number {n}" for n in range(20)]
    seqs = [each["data"]["seq"] for each in heard]
    assert seqs == list(range(seqs[0], seqs[0] + 20))
