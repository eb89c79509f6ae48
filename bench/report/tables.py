"""Markdown tables of a run's results, by the name of the part of the page that they go into."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.report.targets import targets

Results = Mapping[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Numbers stand on the right, as all but the first column are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(_cell(each) for each in line)} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}".removesuffix(".0")
    return f"{value:,}" if type(value) is int else str(value)


def all_tables(run: Results) -> dict[str, str]:
    """By name: `machine`, `targets`, and one for each scenario that the run has."""
    results: Results = run["results"]
    makers = {
        "fanout": _fanout,
        "latency": _latency,
        "load": _load,
        "reconnects": _reconnects,
        "sends": _sends,
        "connections": _connections,
        "growth": _growth,
        "rest": _rest,
        "revocation": _revocation,
        "sign-in": _sign_in,
        "start": _start,
    }
    found = {name: make(results[name]) for name, make in makers.items() if name in results}
    verdicts = {True: "yes", False: "**no**", None: ""}
    kept = [(t.what, f"{t.measured:,}", t.bound, verdicts[t.kept]) for t in targets(results)]
    return {
        "machine": _machine(run),
        "targets": table(["what", "measured", "target", "kept"], kept),
        **found,
    }


def _machine(run: Results) -> str:
    it = run["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in it["packages"].items())
    beside = ", ".join(f"{name} {version}" for name, version in it["bench_packages"].items())
    rows = [
        ("when", it["at"]),
        ("command", f"`{it['command']}`, {run['seconds']} s"),
        ("commit", it["commit"]),
        ("machine", f"{it['cpu']}, {it['cores']} cores, {it['memory_gib']} GiB, {it['system']}"),
        ("load average before", ", ".join(map(str, it["load_average"]))),
        ("PostgreSQL, Redis", it["stores"]),
        ("Python", f"{it['python']}: {packages}"),
        ("FastAPI's environment", beside),
    ]
    return table(["", ""], rows)


def _fanout(found: Results) -> str:
    rows = [
        (
            f"{int(group):,}, {name}",
            each["deliveries_per_s"],
            each["sends_per_s"],
            each["latency_ms"].get("p99"),
            each["server_ms_per_1000"],
            each["missing"],
            each["limit"],
        )
        for group, servers in found.items()
        for name, each in servers.items()
    ]
    head = ["group, server", "deliveries/s", "messages/s", "p99 ms", "ms CPU per 1,000"]
    return table([*head, "missing", "limit"], rows)


def _latency(found: Results) -> str:
    ours, prosody = found["pneumatic"], found["prosody"]
    rows = [
        _spread("to the other person", ours["latency_ms"]),
        _spread("to the ack", ours["ack_ms"]),
        _spread(f"Prosody {prosody['version']}: to the other person", prosody["latency_ms"])
        if prosody
        else ("Prosody: not installed", *[None] * 5),
    ]
    return table(["", "n", "p50 ms", "p90", "p99", "max"], rows)


def _spread(name: str, it: Results) -> Sequence[Any]:
    return name, *(round(it.get(key, 0), 1) for key in ("n", "p50", "p90", "p99", "max"))


def _load(found: Results) -> str:
    rows = [
        (
            f"{int(group):,} at {point['part']:.0%}",
            point["deliveries_per_s"],
            point["latency_ms"].get("p50"),
            point["latency_ms"].get("p99"),
            f"{point['server_share']:.0%}",
        )
        for group, each in found.items()
        for point in each["points"]
    ]
    return table(["group, part of saturation", "deliveries/s", "p50 ms", "p99 ms", "server"], rows)


def _reconnects(found: Results) -> str:
    rows = [_spread(name, found[name]["latency_ms"]) for name in ("before", "during")]
    again = found["reconnect"]
    told = f"{again['sockets']:,} came back in {again['seconds']} s"
    return (
        table(["others", "n", "p50 ms", "p90", "p99", "max"], rows)
        + f"\n\n{told}; {again['failed_attempts']:,} attempts were told to come later."
    )


def _sends(found: Results) -> str:
    rows = [
        (
            f"{database}, {number}, {path}",
            each["per_s"],
            each["ms"]["p50"],
            each["ms"]["p99"],
            each["cpu_ms_each"],
        )
        for database, by_number in found.items()
        for number, paths in by_number.items()
        for path, each in paths.items()
    ]
    return table(["database, senders, path", "sends/s", "p50 ms", "p99 ms", "ms CPU each"], rows)


def _connections(found: Results) -> str:
    rows = []
    for number, each in found.items():
        opened, beats = each["opened"], each.get("heartbeats", {})
        share = f"{beats['server_share']:.1%}" if beats else None
        rows.append(
            (
                int(number),
                opened["sockets"],
                opened["seconds"],
                opened["failed_attempts"],
                opened["kib_per_socket"],
                share,
            )
        )
    head = ["devices", "in", "s to open", "failed attempts", "KiB each", "heartbeats, of a core"]
    return table(head, rows)


def _growth(found: Results) -> str:
    names = list(dict.fromkeys(name for each in found.values() for name in each))
    rows = [
        (
            name,
            *(each.get(name, {}).get("ms", {}).get("p50") for each in found.values()),
            max(each[name]["queries"] for each in found.values() if name in each),
        )
        for name in names
    ]
    return table(["p50 ms at so many messages", *(f"{int(n):,}" for n in found), "queries"], rows)


def _rest(found: Results) -> str:
    rows = [
        (name, each["ms"]["p50"], each["ms"]["p99"], each["queries"])
        for name, each in found.items()
    ]
    return table(["list", "p50 ms", "p99 ms", "queries"], rows)


def _revocation(found: Results) -> str:
    names = {"redis": "with Redis", "no_redis": "two processes without Redis"}
    rows = [
        (
            names[name],
            each["seconds"]["n"],
            each["seconds"]["p50"] * 1000,
            each["seconds"]["max"] * 1000,
        )
        for name, each in found.items()
    ]
    return table(["", "times", "p50 ms", "max ms"], rows)


def _sign_in(found: Results) -> str:
    rows = [
        (kind, each["n"], each["p50"], each["p90"], each["max"])
        for kind, each in found["refusals"].items()
    ]
    memory = found["memory"]
    told = (
        f"The medians are {found['apart_percent']} % apart. At {memory['at_once']} sign-ins at once"
        f" the process, which had {memory['before_mib']:,.0f} MiB, grew to"
        f" {memory['most_mib']:,.0f} MiB at most."
    )
    head = ["refused for", "times", "p50 ms", "p90 ms", "max ms"]
    return f"{table(head, rows)}\n\n{told}"


def _start(found: Results) -> str:
    imports = found["imports"]
    top = ", ".join(f"{name} {spent:.0f}" for name, spent in list(imports["top"].items())[:12])
    rows = [("first start", found["first_s"]), ("later starts", found["ready_s"])]
    return (
        table(["", "s until it answers"], rows)
        + f"\n\n`-X importtime`: {imports['modules']:,} modules in {imports['total_ms']:,.0f} ms,"
        f" its own cost included; by package, ms: {top}."
    )
