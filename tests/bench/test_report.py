"""What a run measured is told whole: every table has its place, every miss of a target is seen."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import plans
from bench.__main__ import PAGE, parser
from bench.report.page import filled, text
from bench.report.plots import all_plots, chart
from bench.report.tables import all_tables, table
from bench.report.targets import Target, targets

SPREAD = {"n": 100, "p50": 1.0, "p90": 2.0, "p99": 3.0, "max": 4.0}


def load(deliveries: float, cost: float = 10.0) -> dict[str, Any]:
    return {
        "deliveries_per_s": deliveries,
        "sends_per_s": deliveries / 10,
        "latency_ms": SPREAD,
        "ack_ms": SPREAD,
        "server_ms_per_1000": cost,
        "server_share": 0.5,
        "missing": 0,
        "limit": "server",
    }


def sends(rate: float) -> dict[str, Any]:
    return {"per_s": rate, "ms": SPREAD, "cpu_ms_each": 0.1}


def asked(milliseconds: float, queries: int = 3) -> dict[str, Any]:
    return {"ms": {**SPREAD, "p50": milliseconds}, "queries": queries}


def one_to_one(p50: float, p99: float) -> dict[str, Any]:
    """Ours so fast, beside a Prosody that is as fast as it was where the target was set."""
    ours, theirs = ({**SPREAD, "p50": a, "p99": b} for a, b in ((p50, p99), (2.2, 8.9)))
    return {
        "pneumatic": {**load(50.0), "latency_ms": ours},
        "prosody": {**load(50.0), "latency_ms": theirs, "version": "0.12.3"},
    }


RUN: dict[str, Any] = {
    "machine": {
        "at": "2026-01-01T00:00:00Z",
        "command": "python -m bench all",
        "commit": "abc",
        "cpu": "A",
        "cores": 2,
        "memory_gib": 8,
        "system": "Linux",
        "load_average": [0.1, 0.2, 0.3],
        "python": "3.11",
        "packages": {"django": "5"},
        "bench_packages": {},
        "stores": "PostgreSQL 15",
    },
    "seconds": 60,
    "results": {
        "fanout": {
            "10": {"pneumatic": load(2000.0), "django": load(100.0), "fastapi": load(250.0)},
            "100": {"pneumatic": load(900.0), "websockets": load(1000.0), "raw": load(1000.0)},
            "1000": {"pneumatic": load(900.0, 9.0)},
        },
        "latency": one_to_one(1.0, 3.0),
        "load": {"10": {"saturation": load(1.0), "points": [{"part": 0.5, **load(500.0)}]}},
        "reconnects": {
            "before": load(1.0),
            "during": load(1.0),
            "reconnect": {"sockets": 1000, "seconds": 9.0, "failed_attempts": 1},
        },
        "sends": {
            "postgres": {
                "1": {"ours": sends(10), "statement": sends(11)},
                "64": {"ours": sends(1000), "orm": sends(40), "statement": sends(600)},
            },
            "sqlite": {"64": {"ours": sends(400), "single": sends(100)}},
        },
        "connections": {
            "10000": {
                "opened": {
                    "sockets": 10_000,
                    "seconds": 50.0,
                    "failed_attempts": 0,
                    "kib_per_socket": 39.0,
                    "server_rss_kib": 500_000,
                },
                "heartbeats": {"server_share": 0.1},
            }
        },
        "growth": {
            size: {name: asked(time) for name in ("send", "page", "list", "sync")}
            for size, time in (("10000", 1.0), ("10000000", 1.3))
        },
        "rest": {"conversations (200, in two pages)": asked(20, 8), "messages (50)": asked(5)},
        "revocation": {"redis": {"seconds": SPREAD}},
        "sign-in": {
            "refusals": dict.fromkeys(("unknown name", "wrong password", "suspended"), SPREAD),
            "apart_percent": 7.0,
            "memory": {"at_once": 30, "before_mib": 110.0, "most_mib": 170.0},
        },
        "start": {
            "first_s": 3.0,
            "ready_s": 2.0,
            "imports": {"total_ms": 1000.0, "modules": 900, "top": {"django": 300.0}},
        },
    },
}


def test_the_page_has_a_place_for_every_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    tables = all_tables(RUN)
    assert set(plans.SCENARIOS) < set(tables)
    assert "| ready on a second start, s | 2.0 | ≤ 3 | yes |" in filled(page, tables)


def test_a_table_without_a_place_is_not_dropped() -> None:
    with pytest.raises(ValueError, match="0 places for fanout"):
        filled("nothing", {"fanout": "| |"})


def test_every_plot_of_the_page_is_made(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    plots = all_plots(RUN["results"])
    assert {f"performance/{name}.svg" for name in plots} == {
        part.partition(")")[0] for part in page.split("](") if part.startswith("performance/")
    }
    for svg in plots.values():
        assert ElementTree.fromstring(svg).tag.endswith("svg")  # noqa: S314  # our own


def test_a_plot_leaves_out_what_has_no_logarithm() -> None:
    assert chart("t", "x", "y", {"a": [(0, 1), (1, 0)]}) == ""
    assert chart("t", "x", "y", {"a": [(0, 1), (10, 100)]}).count("<circle") == 1


def test_what_was_missed_is_told() -> None:
    missed = {target.what for target in targets(RUN["results"]) if target.kept is False}
    assert missed == {
        "fan-out, groups of 10: deliveries/s, times those of fastapi",
        "fan-out, groups of 100: deliveries/s, times those of websockets",
        "sends/s, 64 senders, times one statement's",
        "send at 10,000,000 messages: p50, times that at 10,000",
        "page at 10,000,000 messages: p50, times that at 10,000",
        "list at 10,000,000 messages: p50, times that at 10,000",
        "sync at 10,000,000 messages: p50, times that at 10,000",
    }
    assert "**no**" in text(RUN)


@pytest.mark.parametrize(("measured", "kept"), [(19.99, False), (20, True)])
def test_a_target_is_kept_at_its_bound(measured: float, kept: bool) -> None:
    assert Target("ratio", measured, "≥ 20").kept is kept
    assert Target("ratio", 40 - measured, "≤ 20").kept is kept


@pytest.mark.parametrize(
    ("p50", "p99", "kept"), [(2.5, 9.0, [True, True]), (2.51, 9.01, [False, False])]
)
def test_one_to_one_is_held_against_prosody_in_the_same_run(
    p50: float, p99: float, kept: list[bool]
) -> None:
    found = targets({"latency": one_to_one(p50, p99)})
    assert [each.kept for each in found if "times" in each.what] == kept
    told = {each.what: (each.measured, each.bound) for each in found if each.kept is None}
    assert told == {
        "one to one, two processes: p50, ms": (p50, "2.5 where Prosody's is 2.2, here 2.2"),
        "one to one, two processes: p99, ms": (p99, "9 where Prosody's is 8.9, here 8.9"),
    }
    run = {**RUN, "results": {"latency": one_to_one(p50, p99)}}
    assert f"| {p50} | 2.5 where Prosody's is 2.2, here 2.2 |  |" in text(run)
    assert "| Prosody 0.12.3: to the other person | 100 | 2.2 |" in text(run)


def test_without_prosody_milliseconds_are_the_target_and_the_table_says_so() -> None:
    results = {"latency": {**one_to_one(2.51, 9.0), "prosody": None}}
    assert [(each.measured, each.bound, each.kept) for each in targets(results)] == [
        (2.51, "≤ 2.5", False),
        (9.0, "≤ 9", True),
    ]
    assert "| Prosody: not installed |" in text({**RUN, "results": results})


def test_numbers_are_told_as_precisely_as_they_matter() -> None:
    row = table(["a", "b", "c", "d"], [("x", 12_345, 12_345.67, 1.25)]).splitlines()[-1]
    assert row == "| x | 12,345 | 12,346 | 1.2 |"


@pytest.mark.parametrize("plan", [plans.FULL, plans.QUICK])
def test_a_plan_names_scenarios_and_options_that_there_are(plan: plans.Plan) -> None:
    for name, options in plan.items():
        asked_for = vars(parser().parse_args([name]))
        assert set(options) <= set(asked_for)
