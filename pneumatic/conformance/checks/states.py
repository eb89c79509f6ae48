"""Receipts, typing and presence: states, not history."""

import uuid

from pneumatic.conformance.clauses import clause, require, same, skip
from pneumatic.conformance.stage import Stage


@clause("state/delivered", "delivered reaches the others, without one's own counts")
async def delivered_reaches_the_others(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice, bob = await stage.online(stage.alice), await stage.online(stage.bob)
    sent = await stage.say(stage.alice, group, "hello")
    await bob.say(type="delivered", conversation=group, seq=sent["seq"])
    event = await alice.expect("receipt", conversation=group, user=stage.bob.id)
    same((event["read_seq"], event["delivered_seq"]), (0, sent["seq"]), "the positions")
    require("unread" not in event and "mentions" not in event, f"it has one's counts: {event}")


@clause("state/read", "read implies delivered; on one's own devices it has unread and mentions")
async def read_reaches_everybody(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice, laptop, phone = [
        await stage.online(person) for person in (stage.alice, stage.bob, stage.bob)
    ]
    first = await stage.say(stage.alice, group, f"hello @{stage.bob.username}")
    await stage.say(stage.alice, group, f"and again, @{stage.bob.username}")
    await laptop.say(type="read", conversation=group, seq=first["seq"])
    event = await alice.expect("receipt", conversation=group, user=stage.bob.id)
    same((event["read_seq"], event["delivered_seq"]), (first["seq"], first["seq"]), "positions")
    require("unread" not in event, f"the others see one's counts: {event}")
    for device in (laptop, phone):
        own = await device.expect("receipt", conversation=group, user=stage.bob.id)
        same((own["read_seq"], own["unread"], own["mentions"]), (first["seq"], 1, 1), "one's own")


@clause("state/monotone", "positions never move backwards, nor beyond the last message")
async def positions_only_grow(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice, bob = await stage.online(stage.alice), await stage.online(stage.bob)
    sent = await stage.say(stage.alice, group, "hello")
    await bob.say(type="read", conversation=group, seq=2**50)
    event = await alice.expect("receipt", conversation=group, user=stage.bob.id)
    same(event["read_seq"], sent["seq"], "read_seq after reading too far")
    for kind in ("read", "delivered"):
        await bob.say(type=kind, conversation=group, seq=1)
    answer = await stage.do(stage.bob, "POST", f"conversations/{group}/read/", {"seq": 0})
    same((answer["read_seq"], answer["unread"]), (sent["seq"], 0), "REST's positions")
    await bob.ping()
    await alice.refute("receipt", conversation=group, user=stage.bob.id)


@clause("state/silent", "read, delivered and typing are answered only where they fail")
async def says_nothing_where_all_is_well(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    bob = await stage.online(stage.bob)
    await bob.say(type="read", conversation=group, seq=1, ref="a")
    await bob.say(type="delivered", conversation=group, seq=1, ref="b")
    await bob.say(type="typing", conversation=group, on=True, ref="c")
    await bob.ping()
    for ref in ("a", "b", "c"):
        same([f for f in bob.received if f.get("ref") == ref], [], f"the answers to {ref}")
    elsewhere = str(uuid.uuid4())
    for frame in (
        {"type": "read", "seq": 1},
        {"type": "delivered", "seq": 1},
        {"type": "typing", "on": True},
    ):
        error = await bob.ask(conversation=elsewhere, **frame)
        same(error.get("code"), "not_found", f"the error code of {frame['type']} elsewhere")


@clause("state/typing", "typing reaches the others only")
async def typing_reaches_the_others(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    laptop, phone, bob = [
        await stage.online(person) for person in (stage.alice, stage.alice, stage.bob)
    ]
    for on in (True, False):
        await laptop.say(type="typing", conversation=group, on=on)
        event = await bob.expect("typing", conversation=group)
        same((event["user"], event["on"]), (stage.alice.id, on), "user and on")
    for device in (laptop, phone):
        await device.refute("typing", conversation=group)


@clause("state/presence", "coming and going is told to those who share a conversation")
async def presence_reaches_the_others(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    bob = await stage.online(stage.bob)
    _, versions = bob.known.position()
    *_, synced = await bob.sync(versions=versions, states=True)
    if stage.alice.id in synced.get("online", []):
        skip(f"{stage.alice.username} is online on another device")
    require(group in versions, "the group did not come")
    laptop = await stage.online(stage.alice)
    event = await bob.expect("presence", user=stage.alice.id)
    same(event["online"], True, "online")
    phone = await stage.online(stage.alice)
    await phone.close()
    await bob.refute("presence", user=stage.alice.id)
    await laptop.refute("presence", user=stage.alice.id)
    await laptop.close()
    event = await bob.expect("presence", user=stage.alice.id)
    same(event["online"], False, "online")
