"""From "sign me out everywhere" to the last socket's 4501, over two processes."""

import http.client
import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from bench.measures import spread
from bench.rig.ours import Ours, opened
from bench.rig.stores import Stores


def run(
    stores: Stores,
    *,
    people: int = 10,
    devices: int = 10,
    without_redis: bool = True,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """With Redis, and without (two processes that share nothing but the database)."""
    found = {"redis": _measure(stores, people, devices, redis=True)}
    tell(f"sign-out everywhere: {found['redis']}")
    if without_redis:
        found["no_redis"] = _measure(stores, 1, devices, redis=False)
        tell(f"sign-out everywhere without Redis: {found['no_redis']}")
    return found


def _measure(stores: Stores, people: int, devices: int, *, redis: bool) -> dict[str, Any]:
    with ExitStack() as stack:
        name = f"revocation-{'redis' if redis else 'alone'}"
        server = Ours(stack, stores, name, count=2, redis=redis)
        seeded = server.seed(people, people, 1, devices)
        server.serve()
        times, codes = [], set[str]()
        for person in range(people):
            theirs = seeded[person * devices : (person + 1) * devices]
            generator = server.generator(f"person-{person}", theirs, 1)
            opened(generator, devices, settle=0.0)
            generator.begin("revoked", seconds=60.0)
            begun = time.monotonic()
            _sign_out_everywhere(server.ports[0], theirs[0]["token"])
            done = generator.result()
            if done["closed"] < devices:
                raise RuntimeError(f"only {done['closed']} of {devices} sockets were closed")
            times.append(done["last"] - begun)
            codes.update(done["closes"])
    return {"seconds": spread(times), "closes": sorted(codes), "devices": devices}


def _sign_out_everywhere(port: int, token: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/auth/logout-all/", json.dumps({}), headers)
    answer = connection.getresponse()
    if answer.status != http.client.NO_CONTENT:
        raise RuntimeError(f"logout-all: {answer.status} {answer.read()[:300]!r}")
    connection.close()
