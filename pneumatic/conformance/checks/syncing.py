"""“`sync`”: what a device is sent when it comes, or asks."""

import asyncio
import uuid
from typing import Any

from pneumatic.conformance.clauses import clause, require, same, skip
from pneumatic.conformance.device import Device, Frame
from pneumatic.conformance.stage import Stage


def _of(frames: list[Frame], conversation: str) -> list[Frame]:
    return [f for f in frames if f["type"] == "sync" and f["conversation"] == conversation]


async def _only(device: Device, conversation: str, **sync: Any) -> Frame:
    """The one sync frame that this conversation is answered with."""
    frames = _of(await device.sync(**sync), conversation)
    same(len(frames), 1, "the number of sync frames")
    return frames[0]


@clause("sync/unknown", "a conversation that the client doesn't know comes whole, with reset")
async def sends_what_is_unknown(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    await stage.say(stage.alice, group, "one")
    device = await stage.online(stage.bob)
    (frame,) = _of(device.received, group)
    same((frame["reset"], frame["more"]), (True, False), "reset and more")
    same(frame["to"], frame["data"]["version"], "to")
    same([row["seq"] for row in frame["messages"]], [1, 2], "the messages' seq")
    members = {row["user"]["id"]: row["role"] for row in frame["members"]}
    same(members, {stage.alice.id: "owner", stage.bob.id: "member"}, "the members")
    same(frame["data"]["last_seq"], 2, "data.last_seq")
    same(frame["data"]["me"]["role"], "member", "data.me.role")
    same(frame["data"]["me"]["unread"], 2, "data.me.unread")
    who = {row["user"] for row in frame["receipts"]}
    same(who, {stage.alice.id, stage.bob.id}, "the people of the receipts")


@clause("sync/nothing-new", "a device that missed nothing is sent nothing")
async def sends_nothing_twice(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    first = await stage.online(stage.bob)
    epoch, versions = first.known.position()
    second = await stage.online(stage.bob, epoch=epoch, versions=versions)
    same(_of(second.received, group), [], "the sync frames")
    same(_of(await second.sync(versions=versions), group), [], "the sync frames")


@clause("sync/changes", "sync brings each row that changed since, once, as it is now")
async def sends_what_changed(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    row = await stage.say(stage.alice, group, "one")
    device = await stage.online(stage.bob)
    _, versions = device.known.position()
    since = versions[group]
    path = f"conversations/{group}/messages/{row['id']}/"
    for body in ("two", "three"):
        await stage.do(stage.alice, "PATCH", path, {"body": body})
    later = await stage.say(stage.alice, group, "later")
    frame = await _only(device, group, versions=versions)
    same((frame["reset"], frame["more"]), (False, False), "reset and more")
    same(frame["from"], since, "from")
    same(frame["to"], later["version"], "to")
    bodies = [(each["id"], each["body"]) for each in frame["messages"]]
    same(bodies, [(row["id"], "three"), (later["id"], "later")], "the messages")
    same(frame["members"], [], "the members, of whom none changed,")


@clause("sync/tombstones", "a deleted message comes without a body; one who left, with left_at")
async def sends_tombstones(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    row = await stage.say(stage.alice, group, "secret")
    await stage.do(stage.alice, "DELETE", f"conversations/{group}/messages/{row['id']}/")
    await stage.remove(group, stage.bob)
    device = await stage.online(stage.alice)
    rows = device.known.of(group)
    gone = rows["message", row["id"]]
    same(gone["body"], "", "the deleted body")
    require(gone["deleted_at"], "deleted_at is not set")
    require(rows["member", stage.bob.id]["left_at"], "left_at is not set")


@clause("sync/ahead", "a version ahead of the server's gets a reset")
async def resets_what_is_ahead(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    device = await stage.online(stage.bob)
    frame = await _only(device, group, versions={group: 2**40}, partial=True)
    same(frame["reset"], True, "reset")


@clause("sync/epoch", "with another epoch, or none, all known versions are void")
async def resets_another_history(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    device = await stage.online(stage.bob)
    _, versions = device.known.position()
    for epoch in (str(uuid.uuid4()), None):
        frame = await _only(device, group, versions=versions, epoch=epoch)
        same(frame["reset"], True, f"reset for the epoch {epoch}")


@clause("sync/partial", "partial looks only at what is named; without, the unnamed comes whole")
async def looks_only_where_it_is_asked(stage: Stage) -> None:
    one, other = await stage.group(), await stage.group()
    device = await stage.online(stage.alice)
    _, versions = device.known.position()
    frames = await device.sync(versions={one: 0}, partial=True)
    same(_of(frames, other), [], "the sync frames of the unnamed one")
    same(len(_of(frames, one)), 1, "the number of sync frames of the named one")
    without = {key: value for key, value in versions.items() if key != other}
    frame = await _only(device, other, versions=without)
    same(frame["reset"], True, "reset")


@clause("sync/not-readable", "a named conversation that one may not read: conversation.removed")
async def removes_what_is_not_readable(stage: Stage) -> None:
    private, nowhere = await stage.group(), str(uuid.uuid4())
    device = await stage.online(stage.bob)
    for conversation in (private, nowhere):
        frames = await device.sync(versions={conversation: 1}, partial=True)
        removed = [f["conversation"] for f in frames if f["type"] == "conversation.removed"]
        same(removed, [conversation], "conversation.removed")
        same(_of(frames, conversation), [], "the sync frames")


@clause("sync/states", "states brings receipts and who is online; without, they are left out")
async def brings_states(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    await stage.online(stage.bob)
    device = await stage.online(stage.alice)
    _, versions = device.known.position()
    *_, synced = await device.sync(versions=versions, states=True)
    require(stage.bob.id in synced.get("online", []), "bob, who is online, is not in online")
    receipts = {r["user"] for r in synced.get("receipts", []) if r.get("conversation") == group}
    same(receipts, {stage.alice.id, stage.bob.id}, "the people of the receipts")
    *_, synced = await device.sync(versions=versions)
    same(synced.get("receipts", []), [], "the receipts without states")
    same(synced.get("online", []), [], "online without states")


@clause("sync/long", "a long sync comes in parts, and only the last one moves to")
async def sends_long_syncs_in_parts(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    devices = [await stage.online(p) for p in (stage.alice, stage.bob, stage.alice)]
    _, versions = devices[0].known.position()

    async def talk(device: Device) -> None:
        for number in range(40):
            await device.send(group, str(number))

    await asyncio.gather(*map(talk, devices))
    frames = _of(await devices[0].sync(versions=versions), group)
    same([f["more"] for f in frames], [True] * (len(frames) - 1) + [False], "more")
    same({f["to"] for f in frames[:-1]} <= {versions[group]}, True, "to = from while more")
    same({f["from"] for f in frames}, {versions[group]}, "from")
    same(frames[-1]["to"], frames[-1]["data"]["version"], "the last to")
    rows = [row["version"] for f in frames for row in f["messages"]]
    expected = list(range(versions[group] + 1, frames[-1]["to"] + 1))
    same(rows, expected, "the versions of the rows")


@clause(
    "sync/far-behind", "more than limits.sync_max changes behind, it is sent anew", thorough=True
)
async def resets_who_is_far_behind(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    device = stage.device(stage.bob)
    await device.open()
    most = (await device.hello())["limits"]["sync_max"]
    if most > 5000:
        skip(f"limits.sync_max is {most}: too many messages to send")
    _, versions = device.known.position()
    senders = [await stage.online(p) for p in (stage.alice, stage.bob) for _ in range(4)]

    async def talk(sender: Device) -> None:
        for number in range(most // len(senders) + 1):
            await sender.send(group, str(number))

    await asyncio.gather(*map(talk, senders))
    frames = _of(await device.sync(versions=versions), group)
    same(frames[0]["reset"], True, "reset")
    newest = [row["seq"] for f in frames for row in f["messages"]]
    last = frames[-1]["data"]["last_seq"]
    same(newest, list(range(last - len(newest) + 1, last + 1)), "the newest page")


@clause("sync/rest", "POST sync/ answers what the socket's sync answers")
async def syncs_over_rest(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    await stage.say(stage.alice, group, "one")
    device = await stage.online(stage.bob)
    nowhere = str(uuid.uuid4())
    wishes = {"epoch": device.known.epoch, "versions": {group: 1, nowhere: 1}, "partial": True}
    answer = await stage.do(stage.bob, "POST", "sync/", wishes)
    same(answer["epoch"], device.known.epoch, "epoch")
    same(answer["removed"], [nowhere], "removed")
    (by_rest,) = answer["frames"]
    by_socket = await _only(device, group, **wishes)
    for name in ("from", "to", "reset", "more", "messages", "members", "data"):
        same(by_rest[name], by_socket[name], name)
