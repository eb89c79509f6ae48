"""Screenshots for people to look at, in the sizes and themes that the design names."""

from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

SIZES = {"1280": (1280, 800), "360": (360, 740)}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def photograph(page: Page, folder: Path, name: str) -> None:
    """Leave `name-<width>-<theme>.png` in `folder`, for each size and theme."""
    for width, size in SIZES.items():
        set_size(page, *size)
        for theme in THEMES:
            set_theme(page, theme)
            page.screenshot(path=folder / f"{name}-{width}-{theme}.png", animations="disabled")
    set_theme(page, "light")
    set_size(page, *SIZES["1280"])


def set_size(page: Page, width: int, height: int) -> None:
    """Make the window this large, and wait until the page has arranged itself."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def set_theme(page: Page, theme: Literal["light", "dark"]) -> None:
    """Have the system prefer this theme; the app follows while nobody chose another."""
    page.emulate_media(color_scheme=theme)
