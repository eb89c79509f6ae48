"""Line charts on logarithmic axes, as SVG that needs nothing else."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any

Series = Mapping[str, Sequence[tuple[float, float]]]
_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 170, 40, 50
_COLOURS = ("#0b6e99", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#be123c", "#475569", "#0f766e")


def chart(title: str, x_name: str, y_name: str, series: Series) -> str:
    """Values must be positive; others are left out."""
    shown = {
        name: [(x, y) for x, y in points if x > 0 and y > 0] for name, points in series.items()
    }
    flat = [point for points in shown.values() for point in points]
    if not flat:
        return ""
    to_x, x_lines = _axis([x for x, _ in flat], _LEFT, _WIDTH - _RIGHT)
    to_y, y_lines = _axis([y for _, y in flat], _HEIGHT - _BOTTOM, _TOP)
    right, floor_y = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [_text(_LEFT, 22, title, "start", 'font-weight="bold"')]
    parts += [_line(to_x(x), _TOP, to_x(x), floor_y, "#ddd") for x in x_lines]
    parts += [_line(_LEFT, to_y(y), right, to_y(y), "#ddd") for y in y_lines]
    parts += [_text(to_x(x), floor_y + 18, _number(x), "middle") for x in x_lines]
    parts += [_text(_LEFT - 8, to_y(y) + 4, _number(y), "end") for y in y_lines]
    parts.append(_text((_LEFT + right) / 2, _HEIGHT - 10, x_name, "middle"))
    turn = f'transform="rotate(-90 16 {_HEIGHT / 2})"'
    parts.append(_text(16, _HEIGHT / 2, y_name, "middle", turn))
    for number, (name, points) in enumerate(shown.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        places = " ".join(f"{to_x(x):.1f},{to_y(y):.1f}" for x, y in sorted(points))
        parts.append(
            f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        parts += [
            f'<circle cx="{to_x(x):.1f}" cy="{to_y(y):.1f}" r="3" fill="{colour}"/>'
            for x, y in points
        ]
        at = _TOP + 8 + 18 * number
        parts.append(_line(right + 12, at, right + 32, at, colour, 3))
        parts.append(_text(right + 38, at + 4, name, "start"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _axis(
    values: Sequence[float], start: float, end: float
) -> tuple[Callable[[float], float], list[float]]:
    """Where a value stands, and where lines are drawn: whole decades."""
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    high = max(high, low + 1)
    lines = [10.0**n for n in range(low, high + 1)]
    return lambda value: start + (log10(value) - low) / (high - low) * (end - start), lines


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: int = 1) -> str:
    places = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {places} stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def all_plots(results: Mapping[str, Any]) -> dict[str, str]:
    """By file name, those that this run has the figures for."""
    found: dict[str, str] = {}
    if "load" in results:
        points = {
            f"groups of {int(group):,}": [
                (each["deliveries_per_s"], each["latency_ms"].get("p99", 0))
                for each in it["points"]
            ]
            for group, it in results["load"].items()
        }
        found["latency"] = chart("Latency against load", "deliveries a second", "p99, ms", points)
    if "fanout" in results:
        servers = dict.fromkeys(name for each in results["fanout"].values() for name in each)
        costs = {
            name: [
                (int(group), each[name]["server_ms_per_1000"] or 0)
                for group, each in results["fanout"].items()
                if name in each
            ]
            for name in servers
        }
        found["cost"] = chart(
            "Cost against group size", "sockets in a group", "ms of CPU per 1,000", costs
        )
    if "connections" in results:
        memory = [
            (int(number), each["opened"]["server_rss_kib"] / 1024)
            for number, each in results["connections"].items()
        ]
        found["memory"] = chart(
            "Memory against sockets", "sockets", "resident, MiB", {"one process": memory}
        )
    if "growth" in results:
        times = {
            name: [(int(size), each[name]["ms"]["p50"]) for size, each in results["growth"].items()]
            for name in ("send", "page", "list", "sync")
        }
        found["growth"] = chart("Time against table size", "messages", "p50, ms", times)
    return {name: svg for name, svg in found.items() if svg}
