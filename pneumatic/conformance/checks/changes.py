"""“Rows and versions”: what is changed by REST arrives as events, and membership ends at once."""

from typing import Any

from pneumatic.conformance.clauses import clause, require, same
from pneumatic.conformance.device import Device, Frame
from pneumatic.conformance.stage import Person, Stage


async def _event(device: Device, kind: str, group: str, **data: Any) -> Frame:
    """The next event of this kind whose row has these values."""
    while True:
        event = await device.expect(kind, conversation=group)
        if all(event["data"].get(name) == value for name, value in data.items()):
            return event


async def _both(stage: Stage) -> tuple[Device, Device]:
    return await stage.online(stage.alice), await stage.online(stage.bob)


@clause("change/edit", "an edit arrives as the message with another body and version")
async def edits_arrive(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice, bob = await _both(stage)
    row = await stage.say(stage.alice, group, "helo")
    path = f"conversations/{group}/messages/{row['id']}/"
    edited = await stage.do(stage.alice, "PATCH", path, {"body": "hello"})
    for device in (alice, bob):
        event = await _event(device, "message", group, body="hello")
        same((event["version"], event["data"]["seq"]), (row["version"] + 1, row["seq"]), "event")
        same(event["data"], edited, "the event's row")
        require(event["data"]["edited_at"], "edited_at is not set")
    answer = await stage.ask(stage.bob, "PATCH", path, {"body": "mine"})
    same((answer.status, answer.body["code"]), (403, "forbidden"), "the answer to another's edit")


@clause("change/delete", "a deletion arrives as a row with deleted_at and without a body")
async def deletions_arrive(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice, bob = await _both(stage)
    row = await stage.say(stage.alice, group, "secret")
    path = f"conversations/{group}/messages/{row['id']}/"
    for _ in range(2):
        await stage.do(stage.alice, "DELETE", path)
    for device in (alice, bob):
        event = await _event(device, "message", group, id=row["id"], body="")
        same(event["version"], row["version"] + 1, "version")
        require(event["data"]["deleted_at"], "deleted_at is not set")
    await bob.refute("message", conversation=group, version=row["version"] + 2)


@clause("change/rename", "a new title arrives as a conversation event without me")
async def renames_arrive(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice, bob = await _both(stage)
    wishes = {"title": "Renamed", "topic": "On purpose"}
    await stage.do(stage.alice, "PATCH", f"conversations/{group}/", wishes)
    for device in (alice, bob):
        event = await device.expect("conversation", conversation=group)
        found = {name: event["data"][name] for name in wishes}
        same(found, wishes, "the event's row")
        require("me" not in event["data"], "the event's row has me")
    answer = await stage.ask(stage.bob, "PATCH", f"conversations/{group}/", {"title": "Mine"})
    same((answer.status, answer.body["code"]), (403, "forbidden"), "the answer to a mere member")


@clause("change/join", "who is added gets the conversation at once; the others a member event")
async def joins_arrive(stage: Stage) -> None:
    group = await stage.group()
    alice, bob = await _both(stage)
    await stage.add(group, stage.bob)
    frame = await bob.expect("sync", conversation=group)
    same(frame["reset"], True, "reset")
    event = await alice.expect("member", conversation=group)
    same((event["data"]["user"]["id"], event["data"]["left_at"]), (stage.bob.id, None), "member")
    sent = await stage.say(stage.alice, group, "welcome")
    await bob.expect("message", conversation=group, version=sent["version"])


@clause("change/role", "another role arrives as a member event")
async def roles_arrive(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice, bob = await _both(stage)
    path = f"conversations/{group}/members/{stage.bob.id}/"
    await stage.do(stage.alice, "PATCH", path, {"role": "admin"})
    for device in (alice, bob):
        event = await device.expect("member", conversation=group)
        same((event["data"]["user"]["id"], event["data"]["role"]), (stage.bob.id, "admin"), "row")


@clause("change/remove", "who is removed gets conversation.removed, and nothing more")
async def removals_hold(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice, bob = await _both(stage)
    await stage.remove(group, stage.bob)
    await bob.expect("conversation.removed", conversation=group)
    bob.forget()
    event = await alice.expect("member", conversation=group)
    require(event["data"]["left_at"], "left_at is not set")
    await _is_out(stage, group, alice, bob)


@clause("change/leave", "who leaves is out on all devices")
async def leaving_holds(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice, bob = await _both(stage)
    await stage.do(stage.bob, "DELETE", f"conversations/{group}/members/{stage.bob.id}/")
    await bob.expect("conversation.removed", conversation=group)
    bob.forget()
    await _is_out(stage, group, alice, bob)


async def _is_out(stage: Stage, group: str, alice: Device, bob: Device) -> None:
    sent = await stage.say(stage.alice, group, "among us")
    await alice.expect("message", conversation=group, version=sent["version"])
    await alice.say(type="typing", conversation=group, on=True)
    kinds = ("message", "member", "conversation", "receipt", "typing", "sync")
    await bob.refute(*kinds, conversation=group)
    error = await bob.ask(type="read", conversation=group, seq=1)
    same(error.get("code"), "not_found", "the error code of read")
    for path in ("", "messages/", "members/", f"messages/{sent['id']}/"):
        answer = await stage.ask(stage.bob, "GET", f"conversations/{group}/{path}")
        same(answer.status, 404, f"the status of GET conversations/…/{path}")
    back = await stage.online(stage.bob, versions={group: 1})
    same(back.heard("sync", conversation=group), [], "the sync frames after a new hello")
    same(len(back.heard("conversation.removed", conversation=group)), 1, "conversation.removed")


@clause("change/return", "who comes back is a member again and gets everything")
async def coming_back_works(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice, bob = await _both(stage)
    await stage.remove(group, stage.bob)
    await bob.expect("conversation.removed", conversation=group)
    bob.forget()
    missed = await stage.say(stage.alice, group, "missed")
    await stage.add(group, stage.bob)
    frame = await bob.expect("sync", conversation=group)
    same(frame["reset"], True, "reset")
    require(missed["id"] in {row["id"] for row in frame["messages"]}, "a message is missing")
    sent = await bob.send(group, "back")
    await alice.expect("message", conversation=group, version=sent["version"])


@clause("change/close", "a closed group is removed from everybody")
async def closing_removes(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    alice, bob = await _both(stage)
    await stage.do(stage.alice, "DELETE", f"conversations/{group}/")
    for device, person in ((alice, stage.alice), (bob, stage.bob)):
        await device.expect("conversation.removed", conversation=group)
        answer = await stage.ask(person, "GET", f"conversations/{group}/messages/")
        same(answer.status, 404, "the status of reading it")


@clause("change/no-gaps", "the versions of all events follow each other without a gap")
async def versions_have_no_gaps(stage: Stage) -> None:
    group = await stage.group()
    alice, watcher = await stage.online(stage.alice), await stage.online(stage.alice)
    _, versions = watcher.known.position()
    at = f"conversations/{group}/"
    sent = await alice.send(group, "one")
    await stage.do(stage.alice, "PATCH", f"{at}messages/{sent['id']}/", {"body": "two"})
    await stage.add(group, stage.bob)
    bob = f"{at}members/{stage.bob.id}/"
    await stage.do(stage.alice, "PATCH", bob, {"role": "admin"})
    await stage.do(stage.alice, "PATCH", at, {"title": "Dense"})
    await stage.do(stage.alice, "DELETE", f"{at}messages/{sent['id']}/")
    await stage.remove(group, stage.bob)
    last = await alice.send(group, "last")
    await watcher.expect("message", conversation=group, version=last["version"])
    await watcher.ping()
    events = [
        frame["version"]
        for kind in ("message", "member", "conversation")
        for frame in watcher.heard(kind, conversation=group)
    ]
    expected = list(range(versions[group] + 1, last["version"] + 1))
    same(sorted(set(events)), expected, "the versions of the events")
    same(watcher.known.versions[group], last["version"], "the known version")


@clause("change/resumed-is-fresh", "live events and a sync lead to the same rows as a fresh start")
async def resumed_equals_fresh(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    live, sleeper = await stage.online(stage.bob), await stage.online(stage.bob)
    epoch, versions = sleeper.known.position()
    await sleeper.close()
    kept = await stage.say(stage.alice, group, "one")
    gone = await stage.say(stage.bob, group, "two")
    at = f"conversations/{group}/messages/"
    await stage.do(stage.alice, "PATCH", f"{at}{kept['id']}/", {"body": "uno"})
    await stage.do(stage.bob, "DELETE", f"{at}{gone['id']}/")
    last = await stage.say(stage.alice, group, "three")
    await live.expect("message", conversation=group, version=last["version"])
    fresh = await stage.online(stage.bob)
    back = stage.device(stage.bob)
    back.known = sleeper.known
    await back.open()
    await back.hello(epoch=epoch, versions=versions)
    for device, what in ((live, "live"), (back, "resumed")):
        same(device.known.of(group), fresh.known.of(group), f"what the {what} device knows")
        same(device.known.versions[group], last["version"], f"the {what} device's version")


@clause("change/direct", "the direct conversation of two people is one, and appears on both sides")
async def direct_conversations_are_one(stage: Stage) -> None:
    alice, bob = await _both(stage)
    first = await _direct(stage, stage.alice, stage.bob)
    direct = first.good(200, 201)["id"]
    if first.status == 201:
        for device in (alice, bob):
            await device.expect("sync", conversation=direct)
    again = await _direct(stage, stage.bob, stage.alice)
    same(again.good(200)["id"], direct, "its id for the other one")
    sent = await bob.send(direct, "hello from the conformance kit")
    await alice.expect("message", conversation=direct, version=sent["version"])


async def _direct(stage: Stage, person: Person, other: Person) -> Any:
    return await stage.ask(person, "POST", "conversations/direct/", {"user": other.id})
