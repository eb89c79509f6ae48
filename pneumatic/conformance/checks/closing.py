"""“Closing”, and what only a whole run can tell."""

import asyncio
import time

from pneumatic.conformance.clauses import clause, require, same, skip
from pneumatic.conformance.rest import seconds_left
from pneumatic.conformance.stage import Stage, sign_in

#: More than any buffer between us and a server that keeps to its own limits.
_FLOOD_BYTES = 20 * 1024 * 1024


@clause("close/revoked", "a revoked session is closed with 4501 within a second; others live")
async def closes_revoked_sessions(stage: Stage) -> None:
    stolen = await stage.second_session(stage.bob)
    device, other = await stage.online(stolen), await stage.online(stage.bob)
    began = time.monotonic()
    await stage.do(stage.bob, "DELETE", f"auth/sessions/{stolen.session}/")
    same(await device.expect_close(), 4501, "the close code")
    took = time.monotonic() - began
    require(took < 1, f"it took {took:.2f} s")
    await other.ping()
    again = stage.device(stolen)
    await again.open()
    await again.say(type="hello", token=stolen.access)
    same(await again.expect_close(), 4501, "the close code of its token after that")


@clause("close/signed-out", "signing out closes the session's own sockets with 4501")
async def closes_signed_out_sessions(stage: Stage) -> None:
    leaving = await sign_in(stage.rest, stage.bob.username, stage.bob.password)
    device = await stage.online(leaving)
    await stage.do(leaving, "POST", "auth/logout/")
    same(await device.expect_close(), 4501, "the close code")


@clause("close/token-ends", "auth.expiring comes before a token ends; then 4401", thorough=True)
async def closes_ended_tokens(stage: Stage) -> None:
    other = await stage.second_session(stage.bob)
    left = seconds_left(other.expires_at)
    if left > 130:
        skip(f"tokens live {left / 60:.0f} minutes here, which is long to wait")
    device = await stage.online(other)
    warning = await device.expect("auth.expiring", seconds=left)
    require(0 <= warning["seconds"] <= left, f"it ends in {warning['seconds']} seconds?")
    same(await device.expect_close(seconds=seconds_left(other.expires_at) + 40), 4401, "the code")


@clause("close/slow-reader", "who reads too slowly is closed and loses nothing", thorough=True)
async def closes_slow_readers(stage: Stage) -> None:
    group = await stage.group(stage.bob)
    slow = stage.device(stage.bob)
    await slow.open(max_queue=1)
    await slow.hello()
    senders = [await stage.online(stage.alice) for _ in range(4)]
    body = "😀" * 4000
    number = _FLOOD_BYTES // len(body.encode())
    slow.pause()

    async def flood(at: int) -> None:
        for _ in range(number // len(senders)):
            await senders[at].send(group, body)

    began = time.monotonic()
    await asyncio.gather(*map(flood, range(len(senders))))
    took = time.monotonic() - began
    slow.resume()
    code = await slow.expect_close(seconds=30)
    require(code in (4408, 1006), f"the close code is {code}")
    require(took < 60, f"the others needed {took:.0f} s to send")
    back = await stage.online(stage.bob)
    last = await stage.do(stage.bob, "GET", f"conversations/{group}/")
    same(back.known.versions[group], last["version"], "what it knows when it is back")


@clause("close/restart", "a server that restarts closes with 1012 (or 4012)")
async def closes_when_it_restarts(stage: Stage) -> None:
    del stage
    skip("only who runs the server can restart it")


@clause("frame/shape", "every frame that the checks before have heard had all its fields")
async def frames_have_all_their_fields(stage: Stage) -> None:
    require(not stage.oddities, "; ".join(list(stage.oddities)[:10]))
