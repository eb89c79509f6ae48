"""What a proof says at its end: a table, JSON, and one page of HTML."""

import json
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
    latencies = timing.all_latencies()
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
        "closes": {str(code): count for code, count in sorted(timing.closes.items())},
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
                "name": kind,
                "row": each.row,
                "what": KINDS[kind].words,
                "times": each.times,
                "measured_from": KINDS[kind].end,
                "devices": len(each.seconds),
                "p50": _rounded(percentile(sorted(each.seconds), 0.5)),
                "p99": _rounded(percentile(sorted(each.seconds), 0.99)),
                "quiet": each.quiet,
            }
            for kind, each in sorted(timing.recoveries.items())
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
        f"  sockets ended with: {_listed(told['closes'])}",
        "",
        f"  {'fault':<24}{'times':>7}{'recovery p50':>16}{'p99':>9}",
        *(
            f"  {each['row'] + ' ' + each['name']:<24}{each['times']:>7}"
            f"{_seconds(each['p50']):>16}{_seconds(each['p99']):>9}"
            for each in told["faults"]
        ),
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


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


def _listed(closes: dict[str, int]) -> str:
    return ", ".join(f"{code} ({count})" for code, count in closes.items()) or "-"


def _both(values: dict[str, Any]) -> str:
    return f"{_seconds(values['p50'])} / {_seconds(values['p99'])}"
