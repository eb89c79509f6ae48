"""The report as one page: no script, nothing from elsewhere, readable in light and dark."""

from collections.abc import Iterable, Mapping
from html import escape
from math import log10
from typing import Any

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 1000, 300, 120, 62
#: The scale of latency, logarithmic: from this many seconds, in so many powers of ten.
_LEAST, _POWERS = 0.001, 5

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1d22; --paper: #fbfaf7; --faint: #8a8d94;
  --line: #d9d7d0; --good: #1c7a43; --bad: #b3261e; --p50: #2457a8; --p99: #b0651d;
  --band: #b3261e22 }
@media (prefers-color-scheme: dark) { :root { --ink: #e9e7e1; --paper: #17191d; --faint: #8f939b;
  --line: #33363d; --good: #6fce93; --bad: #ff8a80; --p50: #8ab4f8; --p99: #f2b36b;
  --band: #ff8a8026 } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1060px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.good { color: var(--good) } .bad { color: var(--bad) }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { white-space: nowrap; padding: .25rem .9rem .25rem 0; text-align: right;
  border-bottom: 1px solid var(--line) }
th:first-child, td:first-child, .text { text-align: left }
th { font-weight: 600; color: var(--faint) }
svg { width: 100%; height: auto } svg text { fill: var(--faint); font-size: 11px }
.scroll { overflow-x: auto }
"""


def as_html(told: dict[str, Any]) -> str:
    """The page for what `report.as_json` tells."""
    good = told["good"]
    verdict = "The promise was kept" if good else "The promise was broken"
    violated = told["violations"].items()
    counted = [
        ("sent", told["sent"]),
        ("acknowledged", told["acknowledged"]),
        ("acknowledged again, after a repeat", told["repeated_acknowledgements"]),
        ("rows received", told["rows_received"]),
        ("other changes", sum(told["chores"].values())),
        *violated,
        ("all devices converged after", _seconds(told["converged_seconds"])),
        ("access tokens renewed", told["tokens_renewed"]),
        ("sockets that devices gave up, hearing nothing", told["closes"]["given_up"]),
        ("sockets that ended for no known reason", _listed(told["closes"]["unexplained"])),
        ("delivery p50", _seconds(told["delivery_seconds"]["p50"])),
        ("delivery p99", _seconds(told["delivery_seconds"]["p99"])),
        ("delivery, worst", _seconds(told["delivery_seconds"]["worst"])),
    ]
    faults = (
        (
            f"{each['row']} {each['name']}",
            each["what"],
            each["times"],
            each["measured_from"] or "–",
            *(
                f"{_seconds(each[what]['p50'])} / {_seconds(each[what]['p99'])}"
                f"{' (!)' if each[what]['in_target'] is False else ''}"
                for what in ("live", "whole")
            ),
            _listed(each["closes"]),
        )
        for each in told["faults"]
    )
    head = ("fault", "what", "times", "measured from", "live", "whole", "sockets ended with")
    details = "".join(
        f"<li><b>{escape(each['kind'])}</b>: {escape(each['detail'])}</li>"
        for each in told["details"]
    )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{verdict} – seed {told["seed"]}</title><style>{_STYLE}</style>
<h1 class="{"good" if good else "bad"}">{verdict}</h1>
<p>Seed {told["seed"]}: {escape(told["database"])}, {told["processes"]} process(es),
{told["devices"]} devices of {told["people"]} people, {told["load_seconds"]:.0f} s of load.
{escape(f"Sabotaged: {told['sabotage']}." if told["sabotage"] else "")}</p>
<div class="scroll"><table>{_rows(counted)}</table></div>
{f"<h2>What went wrong</h2><ul>{details}</ul>" if details else ""}
<h2>Delivery, second by second, and the faults</h2>
<p>Seconds from the first sending of a message to its arrival on each other device, on a logarithmic
scale: the <span style="color:var(--p50)">median</span> and the
<span style="color:var(--p99)">99th percentile</span> of what arrived in each second. Bands are
faults; a message that waits for the end of one arrives late, and counts.</p>
{_timeline(told)}
<h2>Faults</h2>
<p>Recovery, p50 / p99, is measured from the moment named. Live: until the next delivery or
acknowledgement on each affected device. Whole: until every device of a member had every message
that was acknowledged before that moment. (!): longer than the targets, {_targets(told)}.</p>
<div class="scroll"><table>{_rows([head], cell="th")}{_rows(faults)}</table></div>
</html>
"""


def _rows(rows: Iterable[Iterable[Any]], cell: str = "td") -> str:
    return "".join(
        "<tr>"
        + "".join(f"<{cell}{_kind(value)}>{escape(str(value))}</{cell}>" for value in row)
        + "</tr>"
        for row in rows
    )


def _kind(value: object) -> str:
    return "" if isinstance(value, int) else " class=text"


def _timeline(told: dict[str, Any]) -> str:
    points = told["timeline"]
    seconds = max([told["load_seconds"], *(each["at"] for each in points), 1.0])
    rows = sorted({each["name"] for each in told["happened"]})
    height = _HEIGHT + _BOTTOM + 14 * len(rows)
    label = "Faults against delivery latency over time"
    parts = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">']
    for power in range(_POWERS + 1):
        value = _LEAST * 10**power
        y = _y(value)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--line)"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g} s</text>'
        )
    for part in range(11):
        x = _x(seconds * part / 10, seconds)
        parts.append(
            f'<text x="{x:.1f}" y="{_HEIGHT + 18}" text-anchor="middle">'
            f"{seconds * part / 10:.0f} s</text>"
        )
    for each in told["happened"]:
        left = _x(each["start"], seconds)
        width = max(1.5, _x(each["end"], seconds) - left)
        row = _HEIGHT + 30 + 14 * rows.index(each["name"])
        title = f"<title>{each['row']} {each['name']}, {each['start']} to {each['end']} s</title>"
        if each["name"] != "duplicates":
            parts.append(
                f'<rect x="{left:.1f}" y="10" width="{width:.1f}" height="{_HEIGHT - 10}"'
                f' fill="var(--band)">{title}</rect>'
            )
        parts.append(
            f'<rect x="{left:.1f}" y="{row}" width="{width:.1f}" height="9" fill="var(--bad)">'
            f"{title}</rect>"
        )
    for number, name in enumerate(rows):
        label = f"{_row_number(told, name)} {name}"
        parts.append(f'<text x="2" y="{_HEIGHT + 39 + 14 * number}">{escape(label)}</text>')
    for name in ("p50", "p99"):
        line = " ".join(
            f"{_x(each['at'], seconds):.1f},{_y(each[name]):.1f}"
            for each in points
            if each[name] is not None
        )
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="var(--{name})" stroke-width="1.3"/>'
        )
    return "".join([*parts, "</svg>"])


def _row_number(told: dict[str, Any], name: str) -> str:
    return str(next(each["row"] for each in told["happened"] if each["name"] == name))


def _x(second: float, seconds: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - 10) * max(0.0, min(1.0, second / seconds))


def _y(latency: float) -> float:
    """Place of a latency on the logarithmic scale."""
    power = log10(max(latency, _LEAST) / _LEAST)
    return _HEIGHT - (_HEIGHT - 14) * min(1.0, power / _POWERS)


def _listed(codes: Mapping[str, int]) -> str:
    return ", ".join(f"{code} ({count})" for code, count in codes.items()) or "–"


def _targets(told: dict[str, Any]) -> str:
    return ", ".join(
        f"{what} {' or '.join(f'{each:g}' for each in sorted(found))} s"
        for what in ("live", "whole")
        if (found := {each[what]["target"] for each in told["faults"]})
    )


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.2f} s"
