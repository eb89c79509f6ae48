"""“The promise”: acknowledged, one, in one order, over both ways of sending."""

import asyncio
import uuid
from typing import Any

from pneumatic.conformance import shapes
from pneumatic.conformance.clauses import clause, require, same
from pneumatic.conformance.device import Device, Frame
from pneumatic.conformance.stage import Stage


def _messages(group: str) -> str:
    return f"conversations/{group}/messages/"


def _place(answer: Frame) -> tuple[Any, ...]:
    return answer["seq"], answer["version"], answer["created_at"]


@clause("send/ack", "message.send is answered with an ack, and the message is stored")
async def acknowledges(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice = await stage.online(stage.alice)
    ack = await alice.send(group, "hello", ref="r1")
    same(ack["ref"], "r1", "ref")
    same((ack["conversation"], ack["seq"]), (group, 2), "conversation and seq")
    same(ack["duplicate"], False, "duplicate")
    row = await stage.do(stage.bob, "GET", f"{_messages(group)}{ack['id']}/")
    same(_place(row), _place(ack), "the place of the stored message")
    same((row["body"], row["sender"], row["kind"]), ("hello", stage.alice.id, "text"), "the row")


@clause("send/everyone", "a message reaches every device of every member with the same row")
async def reaches_everyone(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    laptop, phone, bob = [
        await stage.online(person) for person in (stage.alice, stage.alice, stage.bob)
    ]
    for by_rest in (False, True):
        if by_rest:
            sent = await stage.say(stage.alice, group, "by REST")
        else:
            sent = await laptop.send(group, "by socket")
        events = [
            await device.expect("message", conversation=group, version=sent["version"])
            for device in (laptop, phone, bob)
        ]
        row = await stage.do(stage.bob, "GET", f"{_messages(group)}{sent['id']}/")
        for event in events:
            same(event["data"], row, "the event's row")


@clause("send/no-one-else", "who is not in the conversation hears nothing and may not write")
async def tells_no_one_else(stage: Stage) -> None:
    private = await stage.group()
    bob = await stage.online(stage.bob)
    await stage.say(stage.alice, private, "secret")
    await bob.refute("message", conversation=private)
    error = await bob.ask(
        type="message.send", id=str(uuid.uuid4()), conversation=private, body="let me in"
    )
    same(error.get("code"), "not_found", "the socket's error code")
    wishes = {"id": str(uuid.uuid4()), "body": "let me in"}
    answer = await stage.ask(stage.bob, "POST", _messages(private), wishes)
    same((answer.status, answer.body["code"]), (404, "not_found"), "REST's answer")
    answer = await stage.ask(stage.bob, "GET", _messages(private))
    same(answer.status, 404, "the status of reading it")


@clause("send/repeat", "a repeat, over whatever way, is answered with the first one's place")
async def repeats_change_nothing(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    laptop, phone, bob = [
        await stage.online(person) for person in (stage.alice, stage.alice, stage.bob)
    ]
    for by_rest in (False, True):
        message_id = str(uuid.uuid4())
        wishes = {"id": message_id, "body": "once"}
        if by_rest:
            answer = await stage.ask(stage.alice, "POST", _messages(group), wishes)
            first = answer.good(201)
        else:
            first = await laptop.send(group, "once", id=message_id)
        for device in (laptop, phone):
            again = await device.send(group, "once", id=message_id)
            same((_place(again), again["duplicate"]), (_place(first), True), "the socket's repeat")
        answer = await stage.ask(stage.alice, "POST", _messages(group), wishes)
        same(_place(answer.good(200)), _place(first), "REST's repeat")
        await bob.expect("message", version=first["version"])
        await bob.refute("message", conversation=group)


@clause("send/repeat-after-delete", "a repeat after the message was deleted does not revive it")
async def repeats_do_not_revive(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice = await stage.online(stage.alice)
    first = await alice.send(group, "gone")
    path = f"{_messages(group)}{first['id']}/"
    await stage.do(stage.alice, "DELETE", path)
    again = await alice.send(group, "gone", id=first["id"])
    same((again["seq"], again["duplicate"]), (first["seq"], True), "the repeat")
    row = await stage.do(stage.alice, "GET", path)
    same(row["body"], "", "the body")
    require(row["deleted_at"], "it is not deleted any more")


@clause("send/at-once", "the same id sent by several ways at once makes one message")
async def one_of_many_at_once(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    devices = [await stage.online(stage.alice) for _ in range(3)]
    for _ in range(5):
        message_id = str(uuid.uuid4())
        wishes = {"id": message_id, "body": "race"}
        answers = await asyncio.gather(
            *(device.send(group, "race", id=message_id) for device in devices),
            *(stage.do(stage.alice, "POST", _messages(group), wishes) for _ in range(2)),
        )
        same(len({_place(answer) for answer in answers}), 1, "the number of places")
        firsts = [each for each in answers[:3] if not each["duplicate"]]
        require(len(firsts) <= 1, f"{len(firsts)} acks say that theirs is the first")
    history = await stage.do(stage.alice, "GET", _messages(group))
    same([row["seq"] for row in history["results"]], [1, 2, 3, 4, 5, 6], "the history's seq")


@clause("send/conflict", "the same id with another body, conversation or sender is a conflict")
async def refuses_another_use_of_an_id(stage: Stage) -> None:
    group, other = await stage.group(stage.bob), await stage.group(stage.bob)
    alice, bob = await stage.online(stage.alice), await stage.online(stage.bob)
    first = await alice.send(group, "mine")
    for device, person, conversation, body in (
        (alice, stage.alice, group, "another body"),
        (alice, stage.alice, other, "mine"),
        (bob, stage.bob, group, "mine"),
    ):
        what = f"{person.username}'s {body!r}"
        error = await device.ask(
            type="message.send", id=first["id"], conversation=conversation, body=body
        )
        same(error.get("code"), "conflict", f"the socket's error code for {what}")
        wishes = {"id": first["id"], "body": body}
        answer = await stage.ask(person, "POST", _messages(conversation), wishes)
        same((answer.status, answer.body["code"]), (409, "conflict"), f"REST's answer to {what}")


@clause("send/one-order", "seq and version have no gaps, and are the same for everybody")
async def keeps_one_order(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    devices = [await stage.online(p) for p in (stage.alice, stage.bob, stage.alice, stage.bob)]

    async def talk(device: Device) -> list[Frame]:
        return [await device.send(group, str(number)) for number in range(15)]

    acks = [ack for some in await asyncio.gather(*map(talk, devices)) for ack in some]
    same(sorted(ack["seq"] for ack in acks), list(range(2, 62)), "the acks' seq")
    by_seq = sorted(acks, key=lambda ack: int(ack["seq"]))
    versions = [ack["version"] for ack in by_seq]
    same(versions, list(range(versions[0], versions[0] + 60)), "the versions in the order of seq")
    for device in devices:
        await _hears_all(device, group, by_seq)


async def _hears_all(device: Device, group: str, acks: list[Frame]) -> None:
    for ack in acks:
        event = await device.expect("message", conversation=group, version=ack["version"])
        same((event["data"]["id"], event["data"]["seq"]), (ack["id"], ack["seq"]), "the event")


@clause("send/ids", "ids are random UUIDs: version 4 and 7 are taken, others refused")
async def takes_random_ids(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice = await stage.online(stage.alice)
    fresh = uuid.uuid4().hex
    await alice.send(group, "seven", id=str(uuid.UUID(f"{fresh[:12]}7{fresh[13:]}")))
    for bad in (str(uuid.uuid1()), str(uuid.UUID(int=0)), "1", ""):
        error = await alice.ask(type="message.send", id=bad, conversation=group, body="x")
        same(error.get("code"), "invalid", f"the error code for the id {bad!r}")
        require("id" in error.get("errors", {}), f"errors does not name id: {error}")


@clause("send/body", "a body of limits.body_chars is taken; an empty or a longer one is invalid")
async def limits_bodies(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice = stage.device(stage.alice)
    await alice.open()
    most = (await alice.hello())["limits"]["body_chars"]
    # Characters, not bytes, nor UTF-16 units.
    full = "😀" * most
    ack = await alice.send(group, full)
    row = await stage.do(stage.bob, "GET", f"{_messages(group)}{ack['id']}/")
    require(row["body"] == full, "the body came back changed")
    for bad in ("", " \n", "x" * (most + 1), "a\x00b"):
        error = await alice.ask(
            type="message.send", id=str(uuid.uuid4()), conversation=group, body=bad
        )
        same(error.get("code"), "invalid", f"the error code for a body of {len(bad)} characters")
        require("body" in error.get("errors", {}), f"errors does not name body: {error}")


@clause("send/reply", "reply_to names a message of the same conversation; attachments are empty")
async def knows_replies(stage: Stage) -> None:
    group, other = await stage.group(stage.bob), await stage.group(stage.bob)
    alice, bob = await stage.online(stage.alice), await stage.online(stage.bob)
    first, foreign = await alice.send(group, "question"), await alice.send(other, "elsewhere")
    await bob.send(group, "answer", reply_to=first["id"], attachments=[])
    event = await alice.expect("message", conversation=group)
    while event["data"]["body"] != "answer":
        event = await alice.expect("message", conversation=group)
    same(event["data"]["reply_to"], first["id"], "reply_to")
    for fields in (
        {"reply_to": foreign["id"]},
        {"reply_to": str(uuid.uuid4())},
        {"attachments": [str(uuid.uuid4())]},
    ):
        error = await bob.ask(
            type="message.send", id=str(uuid.uuid4()), conversation=group, body="x", **fields
        )
        same(error.get("code"), "invalid", f"the error code for {fields}")


@clause("send/history", "REST pages through the history by seq, ascending")
async def pages_the_history(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    for number in range(2, 7):
        await stage.say(stage.alice, group, str(number))
    for query, seqs, before, after in (
        ("limit=3", [4, 5, 6], True, False),
        ("before_seq=4&limit=2", [2, 3], True, True),
        ("after_seq=4&limit=10", [5, 6], True, False),
        ("before_seq=3", [1, 2], False, True),
    ):
        found = await stage.do(stage.bob, "GET", f"{_messages(group)}?{query}")
        same([row["seq"] for row in found["results"]], seqs, f"the page of {query}")
        same((found["has_before"], found["has_after"]), (before, after), f"the ends of {query}")
        for row in found["results"]:
            same(list(shapes.odd_row("message", row)), [], "what is odd about the row")
