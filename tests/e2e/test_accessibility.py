"""Every screen for everybody: axe, narrow windows, no mouse."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from chat.management import demo
from pneumatic.testing.server import ChatServer
from tests.e2e.conftest import MakePerson
from tests.e2e.person import PASSWORD, Person
from tests.e2e.pictures import SIZES, THEMES, set_size, set_theme

NARROWEST = (320, 640)
MOST_TABS = 30


@pytest.fixture
def reader(make_person: MakePerson, server: ChatServer) -> Person:
    """One of the demo's people, who has conversations of every kind. Changes nothing."""
    alice = make_person("Alice", server, joined=False)
    alice.join_as("alice", demo.PASSWORD)
    return alice


def test_sign_in_and_register_have_no_violations(
    make_person: MakePerson, server: ChatServer, artefacts: Path
) -> None:
    nobody = make_person("Nobody", server, joined=False)
    found: list[str] = []
    for path in ("/sign-in", "/register"):
        nobody.visit(path)
        expect(nobody.page.get_by_role("heading", level=1)).to_be_visible()
        found += _violations(nobody.page, path.removeprefix("/"), artefacts)
    assert not found, "\n".join(found)


@pytest.mark.timeout(150)
def test_the_app_has_no_violations(reader: Person, artefacts: Path) -> None:
    found: list[str] = []
    for name in _screens(reader):
        found += _violations(reader.page, name, artefacts)
    assert not found, "\n".join(found)


def test_a_person_can_sign_in_open_a_conversation_and_write_without_a_mouse(
    alice: Person, bob: Person
) -> None:
    conversation = bob.ask("POST", "conversations/direct/", user=alice.id)["id"]
    alice.context.clear_cookies()
    alice.visit("/sign-in")
    keyboard = alice.page.keyboard
    _tab_to(alice.page, "[name=username]")
    keyboard.type(alice.username)
    _tab_to(alice.page, "[name=password]")
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    alice.is_connected()
    expect(alice.row("Bob Baker")).to_be_visible()
    _tab_to(alice.page, "a.row")
    keyboard.press("Enter")
    expect(alice.page.locator("#composer")).to_be_focused()
    keyboard.type("No mouse needed")
    keyboard.press("Enter")
    alice.sees_mark("No mouse needed", "sent")
    assert bob.stored(conversation) == ["No mouse needed"]


def _screens(reader: Person) -> Iterator[str]:
    """Open each screen of the app in turn, and name it."""
    page = reader.page
    reader.come_in()
    expect(page.locator("a.row").first).to_be_visible()
    yield "list"
    group = reader.row("Launch crew").get_attribute("data-conversation")
    reader.visit(f"/c/{group}")
    reader.is_connected()
    expect(page.locator("[role=feed] article").last).to_be_in_viewport()
    yield "group"
    for size in SIZES.values():
        set_size(page, *size)
        page.get_by_role("button", name="Details", exact=True).click()
        expect(page.get_by_role("complementary", name="Details")).to_be_visible()
    yield "details"
    reader.come_in()
    page.get_by_role("button", name="New conversation").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "new-conversation"
    reader.come_in("/settings")
    yield "settings"
    for section in ("Password", "Devices", "Appearance"):
        page.get_by_role("link", name=section).click()
        expect(page.get_by_role("heading", name=section, level=2)).to_be_visible()
        yield f"settings-{section.lower()}"


def _violations(page: Page, name: str, folder: Path) -> list[str]:
    """What axe finds in each size and theme, and whether the narrowest window scrolls sideways.

    Leaves a picture of each in `folder`.
    """
    found = []
    for width, size in SIZES.items():
        set_size(page, *size)
        for theme in THEMES:
            set_theme(page, theme)
            _settle(page)
            page.screenshot(path=folder / f"{name}-{width}-{theme}.png")
            for violation in _axe(page):
                nodes = "; ".join(node["html"][:200] for node in violation["nodes"][:3])
                found.append(f"{name} {width} {theme}: {violation['id']}: {nodes}")
    set_size(page, *NARROWEST)
    wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    if wide > 0:
        found.append(f"{name}: {wide} px wider than a window of {NARROWEST[0]} px")
    set_size(page, *SIZES["1280"])
    return found


def _axe(page: Page) -> list[dict[str, Any]]:
    """What axe finds. Its script is large, so it goes once into each document."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(Axe().axe_script)
    answer = page.evaluate("() => window.axe.run({ resultTypes: ['violations'] })")
    assert answer["passes"], "axe has looked at nothing"
    violations: list[dict[str, Any]] = answer["violations"]
    return violations


def _settle(page: Page) -> None:
    """Let transitions end: half of one has colours of neither theme."""
    page.evaluate(
        "() => Promise.allSettled(document.getAnimations()"
        ".filter((one) => one.effect.getComputedTiming().iterations !== Infinity)"
        ".map((one) => one.finished))"
    )


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(MOST_TABS):
        if page.evaluate("(selector) => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{MOST_TABS} presses of Tab don't reach {selector}")
