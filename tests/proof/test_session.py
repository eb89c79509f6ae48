"""Tokens are renewed in time: by REST, and on the open socket."""

import asyncio
import json
import random
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from pneumatic.proof.device import Device
from pneumatic.proof.gaps import RowPool
from pneumatic.proof.history import History, read
from pneumatic.proof.notes import Notes, Times
from pneumatic.proof.outbox import Pace
from pneumatic.proof.rest import Answer
from pneumatic.proof.session import Grant, Session

LIFE = 600.0


class Accounts:
    """The server's side of tokens, with a clock of its own: each refresh token is good once."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.number = 1
        self.asked: list[str] = []
        self.came = asyncio.Event()
        self.away = 0
        self.lose = False

    @property
    def grant(self) -> Grant:
        return Grant(f"access-{self.number}", f"refresh-{self.number}", self.now + LIFE)

    async def ask(self, token: str, method: str, path: str, body: Any = None) -> Answer | None:
        self.asked.append(f"{method} {path}")
        self.came.set()
        await asyncio.sleep(0)
        if self.away:
            self.away -= 1
            return None if self.away % 2 else Answer(HTTPStatus.SERVICE_UNAVAILABLE, {})
        if path != "auth/token/refresh/":
            good = token == self.grant.access
            return Answer(HTTPStatus.OK if good else HTTPStatus.UNAUTHORIZED, {"token": token})
        if body != {"refresh": self.grant.refresh}:
            return Answer(HTTPStatus.UNAUTHORIZED, {})
        self.number += 1
        grant = self.grant
        ends = datetime.fromtimestamp(grant.ends, UTC).isoformat()
        return Answer(
            HTTPStatus.OK,
            {"access": grant.access, "refresh": grant.refresh, "access_expires_at": ends},
        )

    def session(self) -> Session:
        return Session("alice", self.grant, self, clock=lambda: self.now)


@pytest.mark.asyncio
async def test_a_token_is_kept_until_shortly_before_its_end_and_then_renewed() -> None:
    accounts = Accounts()
    session = accounts.session()
    accounts.now += LIFE - 10
    assert await session.token() == "access-1"
    assert accounts.asked == []
    accounts.now += 8
    assert await session.token() == "access-2"
    # The new one lives as long again.
    accounts.now += LIFE - 10
    assert await session.token() == "access-2"
    assert session.renewals == 1


@pytest.mark.asyncio
async def test_all_who_ask_at_once_share_one_renewal() -> None:
    accounts = Accounts()
    session = accounts.session()
    assert set(await asyncio.gather(*(session.renew() for _ in range(5)))) == {"access-2"}
    assert session.renewals == 1


@pytest.mark.asyncio
async def test_an_answer_is_taken_also_when_who_asked_for_it_is_gone() -> None:
    accounts = Accounts()
    session = accounts.session()
    asking = asyncio.create_task(session.renew())
    await accounts.came.wait()
    asking.cancel()
    assert await session.renew() == "access-2"
    assert accounts.number == 2


@pytest.mark.asyncio
async def test_a_server_that_is_away_is_asked_again_until_it_answers() -> None:
    accounts = Accounts()
    session = accounts.session()
    accounts.away = 2
    assert await session.renewed() == "access-2"
    assert not session.refused


@pytest.mark.asyncio
async def test_a_renewal_of_which_nothing_was_heard_is_tried_until_something_is() -> None:
    accounts = Accounts()
    session = accounts.session()
    accounts.away = 2
    assert await session.renew() is None
    async with asyncio.timeout(20):
        while session.renewals == 0:  # noqa: ASYNC110 - nobody asks: it is the session's own doing
            await asyncio.sleep(0.05)
    assert await session.token() == "access-2"


@pytest.mark.asyncio
async def test_a_session_that_was_taken_away_is_told() -> None:
    accounts = Accounts()
    session = accounts.session()
    accounts.number += 1
    assert await session.renewed() is None
    assert session.refused


@pytest.mark.asyncio
async def test_a_request_that_is_refused_for_its_token_is_made_again_with_a_new_one() -> None:
    accounts = Accounts()
    session = Session("alice", Grant("stale", "refresh-1", accounts.now + LIFE), accounts,
                      clock=lambda: accounts.now)  # fmt: skip
    answer = await session.ask("GET", "users/me/")
    assert answer == Answer(HTTPStatus.OK, {"token": "access-2"})


@pytest.mark.asyncio
async def test_a_device_says_its_new_token_on_the_open_socket(tmp_path: Path) -> None:
    accounts = Accounts()
    heard: list[dict[str, Any]] = []
    done = asyncio.Event()

    async def talk(socket: ServerConnection) -> None:
        heard.append(json.loads(await socket.recv()))
        await socket.send(json.dumps({"type": "welcome", "epoch": "one"}))
        await socket.send(json.dumps({"type": "synced", "receipts": [], "online": []}))
        await socket.send(json.dumps({"type": "auth.expiring", "seconds": 60}))
        while (frame := json.loads(await socket.recv()))["type"] != "auth":
            pass
        heard.append(frame)
        # The first attempt fails, as while the database is away.
        error = {"type": "error", "ref": frame["ref"], "code": "unavailable"}
        await socket.send(json.dumps(error))
        while (frame := json.loads(await socket.recv()))["type"] != "auth":
            pass
        heard.append(frame)
        await socket.send(json.dumps({"type": "authed", "ref": frame["ref"]}))
        done.set()
        await socket.wait_closed()

    protocols = [Subprotocol("pneumatic.v1")]
    async with serve(talk, "127.0.0.1", 0, subprotocols=protocols) as server:
        port = server.sockets[0].getsockname()[1]
        with History(tmp_path / "alice.jsonl") as pen:
            device = Device(
                name="alice.0", person="alice", session=accounts.session(), doors=lambda: port,
                notes=Notes(pen, Times()), pool=RowPool(), pace=Pace(), rng=random.Random(1),
            )  # fmt: skip
            life = asyncio.create_task(device.live())
            await asyncio.wait_for(done.wait(), 20)
            await device.stop()
            await asyncio.wait_for(life, 20)
    assert [frame.get("token") for frame in heard] == ["access-1", "access-2", "access-3"]
    events = [line["e"] for line in read(pen.path)]
    assert events.count("open") == 1
    assert "error" in events
