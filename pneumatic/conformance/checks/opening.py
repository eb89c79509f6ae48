"""“Opening a socket”: the handshake, hello and welcome."""

import uuid
from urllib.parse import urlsplit

from pneumatic.conformance.clauses import clause, require, same
from pneumatic.conformance.device import SUBPROTOCOL
from pneumatic.conformance.shapes import LIMITS
from pneumatic.conformance.stage import Stage


@clause("opening/subprotocol", "the handshake selects pneumatic.v1")
async def selects_the_subprotocol(stage: Stage) -> None:
    device = stage.device(stage.alice)
    await device.open()
    same(device.subprotocol, SUBPROTOCOL, "the subprotocol")


@clause("opening/other-subprotocol", "a client of another subprotocol is closed with 4500")
async def refuses_another_subprotocol(stage: Stage) -> None:
    device = stage.device(stage.alice)
    await device.open(subprotocol="pneumatic.v0")
    same(await device.expect_close(), 4500, "the close code")


@clause("opening/own-origin", "a page of the server's own origin may open a socket")
async def lets_its_own_pages_in(stage: Stage) -> None:
    parts = urlsplit(stage.rest.parts.geturl())
    device = stage.device(stage.alice)
    await device.open(origin=f"{parts.scheme}://{parts.netloc}")
    await device.hello()


@clause("opening/foreign-origin", "a page of any other origin is closed with 4503")
async def keeps_foreign_pages_out(stage: Stage) -> None:
    host = stage.rest.parts.hostname
    for origin in (
        "https://elsewhere.example",
        f"https://{host}.elsewhere.example",
        f"http://{host}:1",
        "null",
    ):
        device = stage.device(stage.alice)
        await device.open(origin=origin)
        same(await device.expect_close(), 4503, f"the close code for the origin {origin}")


@clause("opening/welcome", "welcome tells user, session, epoch, time, token's end and all limits")
async def welcomes(stage: Stage) -> None:
    device = stage.device(stage.alice)
    await device.open()
    welcome = await device.hello()
    same(welcome["protocol"], 1, "welcome.protocol")
    same(welcome["user"]["id"], stage.alice.id, "welcome.user.id")
    same(welcome["user"]["username"], stage.alice.username, "welcome.user.username")
    same(welcome["session"], stage.alice.session, "welcome.session")
    uuid.UUID(welcome["epoch"])
    require(welcome["token_expires_at"] > welcome["server_time"], "the token has ended already")
    require(welcome["heartbeat"] > 0, "the heartbeat is not a positive number of seconds")
    for name in LIMITS.split():
        found = welcome["limits"].get(name)
        require(isinstance(found, int) and found > 0, f"limits.{name} is {found!r}")


@clause("opening/order", "welcome comes first, then sync for each conversation, then synced")
async def answers_in_order(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    device = await stage.online(stage.alice)
    kinds = [frame["type"] for frame in device.received]
    same(kinds[0], "welcome", "the first frame")
    require("synced" in kinds, "no synced came")
    until = kinds.index("synced")
    synced = [f["conversation"] for f in device.received[:until] if f["type"] == "sync"]
    require(group in synced, "no sync of a conversation came before synced")


@clause("opening/header-token", "the token may stand in the handshake's Authorization header")
async def takes_the_header(stage: Stage) -> None:
    device = stage.device(stage.alice)
    await device.open(headers={"Authorization": f"Bearer {stage.alice.access}"})
    await device.say(type="hello")
    welcome = await device.expect("welcome")
    same(welcome["user"]["id"], stage.alice.id, "welcome.user.id")


@clause("opening/bad-token", "no token, nonsense or a refresh token closes with 4401")
async def refuses_bad_tokens(stage: Stage) -> None:
    for fields in ({}, {"token": None}, {"token": "nonsense"}, {"token": stage.alice.refresh}):
        device = stage.device()
        await device.open()
        await device.say(type="hello", **fields)
        what = "no token" if not fields else f"the token {str(fields['token'])[:8]}…"
        same(await device.expect_close(), 4401, f"the close code for {what}")


@clause("opening/token-in-address", "a token in the address counts for nothing")
async def ignores_the_address(stage: Stage) -> None:
    device = stage.device()
    device.url += f"?token={stage.alice.access}"
    await device.open()
    await device.say(type="hello")
    same(await device.expect_close(), 4401, "the close code")


@clause("opening/before-hello", "any other command before hello closes with 4401")
async def wants_hello_first(stage: Stage) -> None:
    for kind in ("ping", "sync"):
        device = stage.device(stage.alice)
        await device.open()
        await device.say(type=kind, **({"versions": {}} if kind == "sync" else {}))
        same(await device.expect_close(), 4401, f"the close code after {kind}")


@clause("opening/no-hello", "a socket that says no hello within five seconds is closed with 4408")
async def does_not_wait_for_ever(stage: Stage) -> None:
    device = stage.device(stage.alice)
    await device.open()
    same(await device.expect_close(seconds=8), 4408, "the close code")


@clause("opening/second-hello", "a second hello is an error, and the socket lives")
async def takes_one_hello(stage: Stage) -> None:
    device = await stage.online(stage.alice)
    error = await device.ask(type="hello", token=stage.alice.access)
    same((error["type"], error.get("code")), ("error", "invalid"), "the answer")
    await device.ping()
