"""What signing in takes: as long for whoever is refused, whatever the reason; memory for many."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.measures import spread, usage
from bench.rig import processes
from bench.rig.ours import Ours
from bench.rig.stores import Stores

_PASSWORD = "correct horse battery staple"  # noqa: S105
_PATIENCE = 60.0


def run(
    stores: Stores,
    *,
    tries: int = 200,
    at_once: int = 30,
    rounds: int = 3,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Milliseconds of a refusal by its reason, and the memory of many sign-ins at once."""
    with ExitStack() as stack:
        server = Ours(stack, stores, "sign-in")
        # Everybody comes from an address of their own, else guessing would be slowed.
        server.environment["TRUSTED_PROXIES"] = "1"
        number = [str(max(tries, at_once)), _PASSWORD]
        people = processes.run(server.folder, "bench.passwords", number, server.environment)
        server.serve()
        [port], [pid] = server.ports, server.pids
        memory = _memory(port, pid, people["active"][:at_once], rounds)
        tell(f"{at_once} sign-ins at once: {memory}")
        refusals = _refusals(port, people, tries)
    medians = [each["p50"] for each in refusals.values()]
    apart = round(100 * (max(medians) / min(medians) - 1), 1)
    tell(f"refusals, ms: {refusals}; their medians are {apart} % apart")
    return {"refusals": refusals, "apart_percent": apart, "memory": memory}


def _refusals(port: int, people: Mapping[str, Sequence[str]], tries: int) -> dict[str, Any]:
    """In turn, each name once: what the machine does beside it is the same for all."""
    times: dict[str, list[float]] = {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    for n in range(tries):
        for kind, name, password in (
            ("unknown name", f"nobody{n}", _PASSWORD),
            ("wrong password", people["active"][n], "not the password"),
            ("suspended", people["suspended"][n], _PASSWORD),
        ):
            begun = time.monotonic()
            _sign_in(connection, name, password, http.client.UNAUTHORIZED)
            times.setdefault(kind, []).append(time.monotonic() - begun)
    connection.close()
    return {kind: spread(some, 1000) for kind, some in times.items()}


def _memory(port: int, pid: int, names: Sequence[str], rounds: int) -> dict[str, Any]:
    """MiB of the process before, and the most that it ever had."""
    before = usage([pid]).rss_kib / 1024
    for _ in range(rounds):
        together = threading.Barrier(len(names))

        def come_in(name: str, together: threading.Barrier = together) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
            connection.connect()
            together.wait(_PATIENCE)
            _sign_in(connection, name, _PASSWORD, http.client.OK)
            connection.close()

        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(come_in, names))
    return {"at_once": len(names), "before_mib": round(before, 1), "most_mib": _most_mib(pid)}


def _most_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [each for each in status.splitlines() if each.startswith("VmHWM:")]
    return round(int(line.split()[1]) / 1024, 1)


def _sign_in(
    connection: http.client.HTTPConnection, name: str, password: str, expected: int
) -> None:
    headers = {"Content-Type": "application/json", "X-Forwarded-For": _address_of(name)}
    body = json.dumps({"username": name, "password": password})
    connection.request("POST", "/api/v1/auth/token/", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != expected:
        raise RuntimeError(f"sign-in of {name}: {answer.status} {said[:300]!r}")


def _address_of(name: str) -> str:
    kind, number = name.rstrip("0123456789"), int(name.lstrip("abcdefghijklmnopqrstuvwxyz"))
    return f"10.{len(kind)}.{number // 250}.{number % 250 + 1}"
