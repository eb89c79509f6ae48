"""“What a client says”: answers, errors, and frames that no honest client sends."""

import asyncio
import contextlib
import json
import uuid
from typing import Any

from pneumatic.conformance.clauses import BrokenError, clause, require, same, skip
from pneumatic.conformance.shapes import ERROR_CODES
from pneumatic.conformance.stage import Stage, refresh

_NOWHERE = "00000000-0000-4000-8000-000000000000"


@clause("frame/ping", "ping is answered with pong, its t and the server's time")
async def answers_pings(stage: Stage) -> None:
    device = await stage.online(stage.alice)
    for t in (7, 1.5, "now", None):
        pong = await device.ask(type="ping", t=t)
        same((pong["type"], pong["t"]), ("pong", t), "the answer")


@clause("frame/ref", "an answer repeats ref, of at most limits.ref_chars characters")
async def repeats_refs(stage: Stage) -> None:
    device = stage.device(stage.alice)
    await device.open()
    most = (await device.hello())["limits"]["ref_chars"]
    full = "ü" * most
    same((await device.ask(type="ping", ref=full))["type"], "pong", "the answer")
    await device.sync(partial=True)
    error = await device.ask(type="read", conversation=_NOWHERE, seq=1, ref=full)
    same((error["type"], error["ref"]), ("error", full), "the error")
    await device.say(type="ping", ref=f"{full}x")
    same((await device.expect("error"))["code"], "invalid", "the error code for a longer ref")


@clause("frame/malformed", "a frame that is no command is an error, and the socket lives")
async def answers_malformed_frames(stage: Stage) -> None:
    device = await stage.online(stage.alice)
    for raw in (
        "not json",
        "",
        "[]",
        "42",
        "{}",
        '{"type":"nope"}',
        '{"type":"ack","ref":null}',
        '{"type":"ping","t":{}}',
    ):
        await device.say_raw(raw)
        error = await device.expect("error")
        same(error["code"], "invalid", f"the error code for {raw!r}")
    await device.ping()


@clause("frame/hostile", "deep nesting, huge numbers, NaN, lone surrogates: an error, no more")
async def survives_hostile_frames(stage: Stage) -> None:
    device = await stage.online(stage.alice)
    for raw in (
        '{"type":"sync","versions":' + "[" * 30_000,
        '{"type":"ping","t":' + "9" * 5_000 + "}",
        '{"type":"ping","t":NaN}',
        '{"type":"ping","t":"\\ud800"}',
        f'{{"type":"read","conversation":"{_NOWHERE}","seq":1e999}}',
        f'{{"type":"read","conversation":"{_NOWHERE}","seq":-1}}',
        f'{{"type":"read","conversation":"{_NOWHERE}","seq":9007199254740993}}',
    ):
        await device.say_raw(raw)
        error = await device.expect("error")
        same(error["code"], "invalid", f"the error code for {raw[:60]}")
    await device.ping()


@clause("frame/unknown-field", "an unknown field is refused, and named in errors")
async def refuses_unknown_fields(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    device = await stage.online(stage.alice)
    frames: list[dict[str, Any]] = [
        {"type": "ping"},
        {"type": "typing", "conversation": group, "on": True},
        {"type": "message.send", "id": str(uuid.uuid4()), "conversation": group, "body": "x"},
    ]
    for frame in frames:
        error = await device.ask(**frame, surprise=1)
        same(error.get("code"), "invalid", f"the error code of {frame['type']}")
        require("surprise" in error.get("errors", {}), f"errors does not name the field: {error}")
    await device.refute("message", conversation=group)
    wishes = {"id": str(uuid.uuid4()), "body": "x", "surprise": 1}
    answer = await stage.ask(stage.alice, "POST", f"conversations/{group}/messages/", wishes)
    same((answer.status, answer.body["code"]), (400, "invalid"), "REST's answer")
    require("surprise" in answer.body.get("errors", {}), f"REST does not name it: {answer.body}")


@clause("frame/wrong-type", "a missing field or one of a wrong type is refused and named")
async def refuses_wrong_types(stage: Stage) -> None:
    device = await stage.online(stage.alice)
    frames: list[tuple[dict[str, Any], str]] = [
        ({"type": "typing", "conversation": _NOWHERE, "on": "yes"}, "on"),
        ({"type": "read", "conversation": "x", "seq": 1}, "conversation"),
        ({"type": "read", "conversation": _NOWHERE, "seq": "1"}, "seq"),
        ({"type": "message.send", "id": _NOWHERE, "conversation": _NOWHERE, "body": 1}, "body"),
        ({"type": "auth", "token": None}, "token"),
        ({"type": "read", "conversation": _NOWHERE}, ""),
    ]
    for frame, field in frames:
        error = await device.ask(**frame)
        same(error.get("code"), "invalid", f"the error code for {frame}")
        if field:
            require(field in error.get("errors", {}), f"errors does not name {field}: {error}")
    await device.ping()


@clause("frame/before-hello", "a malformed first frame is an error, and hello may still come")
async def forgives_before_hello(stage: Stage) -> None:
    device = stage.device(stage.alice)
    await device.open()
    await device.say_raw("not json")
    same((await device.expect("error"))["code"], "invalid", "the error code")
    await device.say(type="hello", token=stage.alice.access, surprise=1)
    same((await device.expect("error"))["code"], "invalid", "the error code of a bad hello")
    await device.hello()


@clause("frame/binary", "a binary frame is malformed")
async def refuses_binary(stage: Stage) -> None:
    device = await stage.online(stage.alice)
    for content in (b'{"type":"ping"}', b"\xff\x00", b""):
        await device.say_raw(content)
        same((await device.expect("error"))["code"], "invalid", "the error code")
    await device.ping()


@clause(
    "frame/eleven-malformed", "ten malformed frames are forgiven, the eleventh closes with 4500"
)
async def loses_patience(stage: Stage) -> None:
    device = await stage.online(stage.alice)
    for _ in range(10):
        await device.say_raw("nonsense")
        await device.expect("error")
    await device.ping()
    await device.say_raw("nonsense")
    same(await device.expect_close(), 4500, "the close code")


@clause("frame/size", "a frame of limits.frame_bytes is taken, a larger one closes with 4500")
async def limits_frames(stage: Stage) -> None:
    device = stage.device(stage.alice)
    await device.open()
    most = (await device.hello())["limits"]["frame_bytes"]
    frame = {"type": "ping", "t": ""}
    room = most - len(json.dumps(frame))
    await device.say_raw(json.dumps({**frame, "t": "x" * room}))
    require(len((await device.expect("pong"))["t"]) == room, "the pong has another t")
    # Bytes are counted, not characters.
    wide = json.dumps({**frame, "t": "ü" * (room // 2 + 1)}, ensure_ascii=False)
    await device.say_raw(wide)
    same(await device.expect_close(), 4500, "the close code")


@clause("frame/huge", "a frame of a megabyte closes with 4500, or WebSocket's own 1009")
async def does_not_swallow_huge_frames(stage: Stage) -> None:
    device = await stage.online(stage.alice)
    await device.say_raw(json.dumps({"type": "ping", "t": "x" * 1_048_576}))
    code = await device.expect_close()
    require(code in (4500, 1009), f"the close code is {code}")


@clause("frame/batch", "several events in one frame come in order, as a batch")
async def batches_in_order(stage: Stage) -> None:
    device = await stage.online(stage.alice)
    for start in range(0, 60, 30):
        await asyncio.gather(*(device.say(type="ping", t=n) for n in range(start, start + 30)))
    for number in range(60):
        await device.expect("pong", t=number)
    same([f["t"] for f in device.heard("pong")], list(range(60)), "the order of the pongs")
    if not device.batches and not stage.batches:
        skip("the server never had two events to send at once")


@clause("frame/auth", "auth with a new token of the same session is answered with authed")
async def renews_tokens(stage: Stage) -> None:
    other = await stage.second_session(stage.alice)
    device = stage.device(other)
    await device.open()
    before = (await device.hello())["token_expires_at"]
    await asyncio.sleep(1.1)
    authed = await device.ask(type="auth", token=await refresh(stage.rest, other))
    same(authed["type"], "authed", "the answer")
    require(authed["token_expires_at"] > before, "the token doesn't end later than the first")
    for token, whose in (
        (stage.alice.access, "another session's"),
        (stage.bob.access, "somebody else's"),
        ("nonsense", "a bad"),
    ):
        error = await device.ask(type="auth", token=token)
        same(error.get("code"), "unauthenticated", f"the error code for {whose} token")
    await device.ping()


@clause("frame/rest-codes", "REST's problem bodies have the same codes, with their statuses")
async def has_the_same_codes(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    messages = f"conversations/{group}/messages/"
    message_id = (await stage.say(stage.alice, group, "hello"))["id"]
    alice, bob = stage.alice, stage.bob
    answers = {
        "invalid": await stage.ask(alice, "POST", messages, {"id": "x", "body": 1}),
        "unauthenticated": await stage.rest.ask("GET", messages, token="nonsense"),  # noqa: S106
        "forbidden": await stage.ask(bob, "DELETE", f"conversations/{group}/"),
        "not_found": await stage.ask(alice, "GET", f"conversations/{_NOWHERE}/"),
        "conflict": await stage.ask(alice, "POST", messages, {"id": message_id, "body": "other"}),
        "too_large": await stage.ask(
            alice, "POST", messages, {"id": str(uuid.uuid4()), "body": "x" * 2_000_000}
        ),
    }
    for code, answer in answers.items():
        same(answer.status, ERROR_CODES[code], f"the status of {code}")
        kind = answer.headers.get("content-type", "").split(";")[0]
        same(kind, "application/problem+json", f"the content type of {code}")
        same((answer.body["code"], answer.body["status"]), (code, answer.status), "the body")
        require(answer.body["title"] and answer.body["detail"], f"no words: {answer.body}")
    same(set(answers["invalid"].body["errors"]), {"id", "body"}, "errors")


@clause("frame/too-many", "a socket that talks too fast is closed with 4429")
async def slows_down_who_talks_too_fast(stage: Stage) -> None:
    device = stage.device(stage.alice)
    await device.open()
    pace = (await device.hello())["limits"]["frames_per_second"]
    # A burst is allowed; nobody knows how large, but this is more than ten seconds' worth.
    with contextlib.suppress(BrokenError):  # Closed while we were still talking.
        for number in range(pace * 10 + 200):
            await device.say(type="ping", t=number)
    same(await device.expect_close(), 4429, "the close code")
