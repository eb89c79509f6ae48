"""One browser and one server for these tests; people of their own for each."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from pneumatic.testing.server import ChatServer
from tests.e2e.line import Line
from tests.e2e.person import Person

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Two browsers and a server on two busy cores: what takes longer than this is broken.
PATIENCE_MS = 10_000
FAILED = pytest.StashKey[bool]()

MakePerson = Callable[..., Person]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that stands here drives a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("e2e")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell the fixtures how the test ended."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


# A package's, not a session's: while Playwright runs, this thread has a running event loop, which
# tests of other packages must not find.
@pytest.fixture(scope="package")
def browser(chromium: Path) -> Iterator[Browser]:
    """A Chromium."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatServer]:
    """The server that tests share."""
    server = ChatServer(tmp_path_factory.mktemp("chat"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def fragile_server(server: ChatServer) -> Iterator[ChatServer]:
    """The same, for a test that ends it: whatever becomes of the test, it runs again for others."""
    yield server
    if not server.answers():
        server.crash()
        server.start()


@pytest.fixture
def make_person(
    request: pytest.FixtureRequest, browser: Browser, artefacts: Path
) -> Iterator[MakePerson]:
    """Makes people, each with a browser window and a line of their own.

    Fails the test if any of their browsers complained of something that was not expected, and
    leaves a picture of each window when the test failed.
    """
    people: list[Person] = []

    def make(name: str, server: ChatServer, *, joined: bool = True) -> Person:
        context = browser.new_context(
            viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="Europe/London"
        )
        context.set_default_timeout(PATIENCE_MS)
        person = Person(name, context, Line(server.port))
        people.append(person)
        if joined:
            person.join()
        return person

    yield make

    failed = request.node.stash.get(FAILED, True)
    for person in people:
        if failed:
            _take_pictures(
                person.context, artefacts / "failed", f"{request.node.name}-{person.display_name}"
            )
        person.context.close()
        person.line.close()
    troubles = [f"{one.display_name}: {text}" for one in people for text in one.troubles.found]
    assert not troubles, "\n".join(troubles)


@pytest.fixture
def alice(make_person: MakePerson, server: ChatServer) -> Person:
    return make_person("Alice Archer", server)


@pytest.fixture
def bob(make_person: MakePerson, server: ChatServer) -> Person:
    return make_person("Bob Baker", server)


def _take_pictures(context: BrowserContext, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(context.pages, start=1):
        page.screenshot(path=folder / f"{name}-{number}.png")
