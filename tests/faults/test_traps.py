"""Traps of the libraries under us that only a real server, or a real Redis, can show.

docs/traps.md says of each trap that we know which test holds it; many of them are elsewhere.
"""

import asyncio
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.utils.module_loading import import_string
from websockets.asyncio.client import connect

from pneumatic.lib.config import redissettings
from pneumatic.settings import BASE_DIR
from tests.faults.cluster import Cluster, heard_live
from tests.server.running import SERVE, Running, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(120)]

#: The card's own layer ended every idle socket after 5 s.
IDLE_SECONDS = 12
QUICKSTART = [sys.executable, str(BASE_DIR / "manage.py"), "quickstart"]


# --- Redis ----------------------------------------------------------------------------------------


@pytest.mark.needs_redis
@pytest.mark.xdist_group("faults-cluster")
async def test_sockets_that_idle_over_redis_stay_and_still_hear(cluster: Cluster) -> None:
    async with cluster.device(0, server=0) as alice, cluster.device(1, server=1) as bob:
        bob.received.clear()
        await asyncio.sleep(IDLE_SECONDS)
        assert [each.close_code for each in (alice, bob)] == [None, None]
        # Nor was the layer away meanwhile.
        assert [frame for frame in bob.received if frame["type"] == "resync"] == []
        body = str(uuid.uuid4())
        await alice.send(cluster.group, body)
        await bob.until(lambda: heard_live(bob, body))


async def test_the_layer_is_the_one_whose_subscriptions_never_expire() -> None:
    layer = redissettings.channel_layers("redis://127.0.0.1:6379/0", "p")["default"]
    assert issubclass(import_string(layer["BACKEND"]), RedisPubSubChannelLayer)
    (host,) = layer["CONFIG"]["hosts"]
    # A Redis that fell silent is noticed; a quiet one isn't taken for silent.
    assert host["health_check_interval"] < IDLE_SECONDS <= host["socket_timeout"]


# --- Both servers, from outside -------------------------------------------------------------------


@pytest.fixture(params=["serve", "quickstart"])
def server(request: pytest.FixtureRequest, tmp_path: Path, migrated: Path) -> Iterator[Running]:
    made = Running(tmp_path, LOG_LEVEL="DEBUG", LOG_FORMAT="json")
    shutil.copy(migrated, made.database)
    made.start(SERVE if request.param == "serve" else QUICKSTART)
    yield made
    made.stop()


def handshake(server: Running, path: str = "/ws/", **options: Any) -> connect:
    wishes = {"origin": server.url, "subprotocols": ["pneumatic.v1"], "ping_interval": None}
    return connect(f"ws://127.0.0.1:{server.port}{path}", **cast(Any, {**wishes, **options}))


@pytest.mark.once
async def test_compression_is_not_agreed_on_however_it_is_offered(server: Running) -> None:
    async with handshake(server, compression="deflate") as line:
        assert line.response is not None
        assert "Sec-WebSocket-Extensions" not in line.response.headers
        assert line.protocol.extensions == []


@pytest.mark.once
async def test_what_stands_in_an_address_reaches_no_log(server: Running) -> None:
    secrets = [uuid.uuid4().hex for _ in range(4)]
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get(f"/healthz?token={secrets[0]}")).status_code == 200
        assert (await client.get(f"/api/v1/users/me/?token={secrets[1]}")).status_code == 401
        assert (await client.get(f"/nowhere?token={secrets[2]}")).status_code == 404
    async with handshake(server, f"/ws/?token={secrets[3]}") as line:
        await line.send('{"type":"ping"}')
        await line.wait_closed()
    # The socket's own line comes last.
    await until(lambda: '"event": "socket"' in server.log)
    assert [each for each in secrets if each in server.log] == []
