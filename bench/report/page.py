"""Puts tables into a page, between the marks that are there for them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.report.plots import all_plots
from bench.report.tables import all_tables


def filled(page: str, tables: Mapping[str, str]) -> str:
    """The page with each table between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`.

    Those that a run has nothing for stay as they are. Raises `ValueError` for a table without a
    place.
    """
    for name, text in tables.items():
        place = re.compile(rf"(<!-- bench:{name} -->\n).*?(<!-- /bench:{name} -->)", re.DOTALL)
        page, times = place.subn(lambda m, text=text: f"{m[1]}{text}\n{m[2]}", page)  # type: ignore[misc]
        if times != 1:
            raise ValueError(f"the page has {times} places for {name}")
    return page


def write(run: Mapping[str, Any], page: Path) -> None:
    """Tables into the page, plots into the folder of its name beside it."""
    tables = all_tables(run)
    page.write_text(filled(page.read_text(encoding="utf-8"), tables), encoding="utf-8")
    folder = page.with_suffix("")
    folder.mkdir(exist_ok=True)
    for name, svg in all_plots(run["results"]).items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")


def text(run: Mapping[str, Any]) -> str:
    """All tables of a run, one after the other."""
    return "\n\n".join(f"## {name}\n\n{each}" for name, each in all_tables(run).items()) + "\n"
