"""What a proof says at its end: a table, JSON, and one page of HTML."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pneumatic.proof.checker import KINDS as VIOLATIONS
from pneumatic.proof.faults import KINDS
from pneumatic.proof.page import as_html
from pneumatic.proof.scenario import Outcome
from pneumatic.proof.timing import percentile


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Everything, as numbers and texts; times in seconds."""
    verdict, timing, plan = outcome.verdict, outcome.timing, outcome.plan
    latencies, closes = timing.all_latencies(), timing.closes
    return {
        "good": verdict.good,
        "seed": plan.seed,
        "database": "PostgreSQL and Redis" if plan.postgres else "SQLite",
        "processes": plan.processes,
        "people": plan.people,
        "devices": outcome.devices,
        "sabotage": plan.sabotage,
        "load_seconds": round(outcome.quiet - outcome.started, 1),
        "converged_seconds": outcome.converged and round(outcome.converged, 2),
        "sent": verdict.sent,
        "acknowledged": verdict.acknowledged,
        "repeated_acknowledgements": verdict.repeats,
        "rows_received": verdict.received,
        "chores": dict(sorted(outcome.chores.items())),
        "rest_failures": outcome.rest_failures,
        "tokens_renewed": outcome.renewals,
        "closes": {
            **{kind: _coded(codes) for kind, codes in sorted(closes.by_kind.items())},
            "unexplained": _coded(Counter(close.code for close in closes.unexplained)),
            "given_up": closes.given_up,
        },
        "violations": {kind: verdict.counts[kind] for kind in VIOLATIONS},
        "details": [each._asdict() for each in verdict.violations],
        "delivery_seconds": {
            "count": len(latencies),
            "p50": _rounded(percentile(latencies, 0.5)),
            "p99": _rounded(percentile(latencies, 0.99)),
            "worst": _rounded(latencies[-1] if latencies else None),
        },
        "faults": [
            {
                "name": each.kind,
                "row": each.row,
                "what": KINDS[each.kind].words,
                "times": each.times,
                "measured_from": KINDS[each.kind].end,
                "whole": _recovery(each.whole, KINDS[each.kind].whole),
                "live": _recovery(each.live, KINDS[each.kind].live),
                "quiet": each.quiet,
                "closes": _coded(closes.by_kind[each.kind]),
            }
            for each in timing.recoveries()
        ],
        "timeline": [
            {
                "at": second - int(outcome.started),
                "deliveries": len(some),
                "p50": _rounded(percentile(sorted(some), 0.5)),
                "p99": _rounded(percentile(sorted(some), 0.99)),
            }
            for second, some in sorted(timing.seconds.items())
        ],
        "happened": [
            {
                "name": each.kind,
                "row": KINDS[each.kind].row,
                "start": round(each.start - outcome.started, 2),
                "end": round(each.end - outcome.started, 2),
                "devices": len(each.affected),
            }
            for each in outcome.faults
        ],
    }


def as_table(outcome: Outcome) -> str:
    """What stands on the terminal."""
    told = as_json(outcome)
    converged = told["converged_seconds"]
    lines = [
        "",
        f"seed {told['seed']}: {told['database']}, {told['processes']} process(es)",
        f"{told['devices']} devices of {told['people']} people, {told['load_seconds']:.0f} s",
        "",
        f"  {'sent':<26}{told['sent']:>9}",
        f"  {'acknowledged':<26}{told['acknowledged']:>9}",
        f"  {'acknowledged again':<26}{told['repeated_acknowledgements']:>9}",
        f"  {'rows received':<26}{told['rows_received']:>9}",
        f"  {'other changes':<26}{sum(told['chores'].values()):>9}",
        *(f"  {kind:<26}{count:>9}" for kind, count in told["violations"].items()),
        f"  {'all converged after':<26}{_seconds(converged):>9}",
        f"  {'delivery p50 / p99':<26}{_both(told['delivery_seconds']):>9}",
        f"  {'tokens renewed':<26}{told['tokens_renewed']:>9}",
        f"  {'given up by devices':<26}{told['closes']['given_up']:>9}",
        *(
            f"  ended for no known reason: {_listed(told['closes']['unexplained'])}"
            for _ in range(bool(told["closes"]["unexplained"]))
        ),
        "",
        "  fault                 times   live p50      p99    whole p50      p99   ended with",
        *(
            f"  {each['row'] + ' ' + each['name']:<22}{each['times']:>5}  "
            f"{_timed(each['live'])}  {_timed(each['whole'])}  {_listed(each['closes'])}"
            for each in told["faults"]
        ),
        "  live: until the next delivery or acknowledgement of each device; whole: until every one",
        "  of them had all that was acknowledged before the fault's end. *: over the target.",
        "",
        *(f"  {each['kind'].upper()}: {each['detail']}" for each in told["details"]),
        "The promise was kept." if told["good"] else "The promise was broken.",
    ]
    return "\n".join(lines)


def write(outcome: Outcome, folder: Path) -> Path:
    """Write `report.json` and `report.html`; returns the latter's path."""
    folder.mkdir(parents=True, exist_ok=True)
    told = as_json(outcome)
    (folder / "report.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    page = folder / "report.html"
    page.write_text(as_html(told), encoding="utf-8")
    return page


def _coded(codes: Mapping[int, int]) -> dict[str, int]:
    return {str(code): count for code, count in sorted(codes.items())}


def _recovery(seconds: Sequence[float], target: float) -> dict[str, Any]:
    """What was measured, beside what is aimed at: a report, and not a verdict."""
    ordered = sorted(seconds)
    worst = percentile(ordered, 0.99)
    return {
        "count": len(ordered),
        "p50": _rounded(percentile(ordered, 0.5)),
        "p99": _rounded(worst),
        "target": target,
        "in_target": None if worst is None else worst <= target,
    }


def _timed(recovery: Mapping[str, Any]) -> str:
    mark = "*" if recovery["in_target"] is False else " "
    return f"{_seconds(recovery['p50']):>9}{_seconds(recovery['p99']):>9}{mark}"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


def _listed(closes: dict[str, int]) -> str:
    return ", ".join(f"{code} ({count})" for code, count in closes.items()) or "-"


def _both(values: dict[str, Any]) -> str:
    return f"{_seconds(values['p50'])} / {_seconds(values['p99'])}"
