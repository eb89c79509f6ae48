"""What we aim at, beside what a run measured."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Results = Mapping[str, Any]
#: Milliseconds of ours, and those of Prosody on the machine where they were set as a target.
_ONE_TO_ONE = {"p50": (2.5, 2.2), "p99": (9, 8.9)}


class Target(NamedTuple):
    what: str
    measured: float
    #: "≥" or "≤" and a number; anything else says what it is told beside, without a verdict.
    bound: str

    @property
    def kept(self) -> bool | None:
        if self.bound[0] not in "≤≥":
            return None
        most = self.bound.startswith("≤")
        limit = float(self.bound[1:].split()[0].replace(",", ""))
        return self.measured <= limit if most else self.measured >= limit


def targets(results: Results) -> list[Target]:
    """Those about which this run says something."""
    by_scenario = {
        "fanout": _fanout,
        "latency": _latency,
        "load": _load,
        "reconnects": _reconnects,
        "sends": _sends,
        "connections": _connections,
        "growth": _growth,
        "rest": _rest,
        "sign-in": _sign_in,
        "start": _start,
    }
    return [
        target
        for scenario, found in by_scenario.items()
        if scenario in results
        for target in found(results[scenario])
    ]


def _fanout(found: Results) -> Iterator[Target]:
    small = {"django": 20, "fastapi": 10}
    large = {"websockets": 1.0, "channels-redis": 20, "raw": 0.5}
    for group, servers in found.items():
        if "pneumatic" not in servers:
            continue
        ours = servers["pneumatic"]["deliveries_per_s"]
        for other, bound in (small if int(group) <= 10 else large).items():
            theirs = servers.get(other, {}).get("deliveries_per_s")
            if theirs:
                what = f"fan-out, groups of {int(group):,}: deliveries/s, times those of {other}"
                yield Target(what, round(ours / theirs, 2), f"≥ {bound}")
    costs = {int(group): _cost(servers) for group, servers in found.items() if _cost(servers)}
    if 100 in costs:
        for size in (each for each in costs if each > 100):
            what = f"CPU a delivery, groups of {size:,}, times that of groups of 100"
            yield Target(what, round(costs[size] / costs[100], 2), "≤ 1")


def _cost(servers: Results) -> float:
    return servers.get("pneumatic", {}).get("server_ms_per_1000") or 0.0


def _latency(found: Results) -> Iterator[Target]:
    """Milliseconds mean something beside Prosody's of the same run; without it they must do."""
    for part, (bound, beside) in _ONE_TO_ONE.items():
        what = f"one to one, two processes: {part}"
        ours = found["pneumatic"]["latency_ms"][part]
        if not found["prosody"]:
            yield Target(f"{what}, ms", ours, f"≤ {bound}")
            continue
        theirs = round(found["prosody"]["latency_ms"][part], 3)
        aim = f"≤ {bound / beside:.3f}"
        yield Target(f"{what}, times Prosody's", round(ours / theirs, 3), aim)
        yield Target(f"{what}, ms", ours, f"{bound} where Prosody's is {beside}, here {theirs}")


def _load(found: Results) -> Iterator[Target]:
    for group, each in found.items():
        for point in each["points"]:
            if point["part"] == 0.5:
                what = f"groups of {int(group):,} at half of saturation: p99, ms"
                yield Target(what, point["latency_ms"].get("p99", float("inf")), "≤ 100")


def _reconnects(found: Results) -> Iterator[Target]:
    what = "others while 1,000 devices reconnect: p99, ms"
    yield Target(what, found["during"]["latency_ms"].get("p99", float("inf")), "≤ 100")


def _sends(found: Results) -> Iterator[Target]:
    at_64 = found.get("postgres", {}).get("64", {})
    for path, bound, name in (("orm", 20, "the ORM's"), ("statement", 2, "one statement's")):
        if path in at_64:
            ratio = at_64["ours"]["per_s"] / at_64[path]["per_s"]
            yield Target(f"sends/s, 64 senders, times {name}", round(ratio, 2), f"≥ {bound}")
    alone = found.get("postgres", {}).get("1", {})
    if "statement" in alone:
        ratio = alone["ours"]["ms"]["p50"] / alone["statement"]["ms"]["p50"]
        yield Target("a lone message: p50, times one statement's", round(ratio, 2), "≤ 1.2")
    lite = found.get("sqlite", {}).get("64", {})
    if lite:
        ratio = lite["ours"]["per_s"] / lite["single"]["per_s"]
        yield Target("SQLite, 64 senders: sends/s, times single commits", round(ratio, 2), "≥ 3")


def _connections(found: Results) -> Iterator[Target]:
    for number, each in found.items():
        if int(number) < 10_000:
            continue
        opened, name = each["opened"], f"{int(number):,} devices"
        yield Target(f"{name}: s until all are in", opened["seconds"], "≤ 60")
        yield Target(f"{name}: attempts that failed", opened["failed_attempts"], "≤ 0")
        yield Target(f"{name}: KiB each", opened["kib_per_socket"], "≤ 40")
        if "heartbeats" in each:
            share = round(each["heartbeats"]["server_share"] * 100, 1)
            yield Target(f"{name}: heartbeats, % of a core", share, "≤ 15")


def _growth(found: Results) -> Iterator[Target]:
    sizes = sorted(found, key=int)
    least, most = found[sizes[0]], found[sizes[-1]]
    for name in ("send", "page", "list", "sync"):
        if len(sizes) > 1:
            ratio = most[name]["ms"]["p50"] / least[name]["ms"]["p50"]
            what = f"{name} at {int(sizes[-1]):,} messages: p50, times that at {int(sizes[0]):,}"
            yield Target(what, round(ratio, 2), "≤ 1.25")
    for name, each in most.items():
        if name.startswith("hello (1000"):
            yield Target(f"{name}: p50, ms", each["ms"]["p50"], "≤ 50")
            yield Target(f"{name}: queries", each["queries"], "≤ 4")


def _rest(found: Results) -> Iterator[Target]:
    most = max(each["queries"] for name, each in found.items() if "pages" not in name)
    yield Target("REST: most queries of a list", most, "≤ 6")
    for name, each in found.items():
        bound = 30 if "200" in name else 10 if name.startswith("messages") else 0
        if bound:
            yield Target(f"REST: {name}: p50, ms", each["ms"]["p50"], f"≤ {bound}")


def _sign_in(found: Results) -> Iterator[Target]:
    yield Target("refused sign-ins: medians by reason, % apart", found["apart_percent"], "≤ 10")
    memory = found["memory"]
    what = f"{memory['at_once']} sign-ins at once: most memory of the process, MiB"
    yield Target(what, memory["most_mib"], "≤ 572")


def _start(found: Results) -> Iterator[Target]:
    yield Target("ready on a second start, s", found["ready_s"], "≤ 3")
