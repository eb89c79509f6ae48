"""Coming in by a provider of identities, on another site and in a process of its own."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from pneumatic.testing.identity_provider import IdentityProvider, running
from pneumatic.testing.server import ChatServer
from tests.e2e.conftest import MakePerson
from tests.e2e.person import Person
from tests.e2e.pictures import photograph
from tests.e2e.test_accessibility import _violations as violations

CAROL = {"email": "carol@example.org", "email_verified": True, "name": "Carol Koh"}


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    # To browsers, localhost and 127.0.0.1 are two sites.
    with running(tmp_path_factory.mktemp("provider"), host="localhost") as started:
        started.control(people={"carol": CAROL})
        yield started


@pytest.fixture(scope="module")
def server(
    provider: IdentityProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ChatServer]:
    """A server of its own, that knows the provider."""
    server = ChatServer(tmp_path_factory.mktemp("chat"), **provider.environment)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def carol(make_person: MakePerson, server: ChatServer) -> Person:
    return make_person("Carol Koh", server, joined=False)


def go_to_the_provider(person: Person) -> None:
    person.page.get_by_role("link", name="Sign in with Example Provider").click()
    expect(person.page.get_by_role("heading", name="Example Provider")).to_be_visible()


def test_the_button_leads_to_the_provider_and_back_to_where_one_wanted_to_go(
    carol: Person, server: ChatServer, artefacts: Path
) -> None:
    carol.visit("/settings/appearance")
    expect(carol.page).to_have_url(re.compile("/sign-in$"))
    photograph(carol.page, artefacts, "sign-in-with-provider")

    go_to_the_provider(carol)
    carol.page.get_by_label("Account").fill("carol")
    carol.page.get_by_role("button", name="Continue").click()

    expect(carol.page).to_have_url(re.compile("/settings/appearance$"))
    carol.is_connected()
    carol.page.reload()
    carol.is_connected()
    carol.visit("/settings/profile")
    expect(carol.page.get_by_label("Your name")).to_have_value("Carol Koh")
    cookies = {each.get("name"): each for each in carol.context.cookies()}
    assert cookies["pn_refresh"].get("sameSite") == "Strict"
    assert "pn_sign_on" not in cookies
    # The code and the state stand behind that, and are nobody's business.
    assert "/sign-on/callback/" in server.log.read_text()
    assert "callback/?" not in server.log.read_text()


def test_whoever_cancels_reads_what_happened(carol: Person, artefacts: Path) -> None:
    carol.visit("/sign-in")
    go_to_the_provider(carol)
    carol.page.get_by_role("button", name="Cancel").click()

    alert = carol.page.get_by_role("alert").filter(has_text="You cancelled it")
    expect(alert).to_be_visible()
    expect(carol.page.get_by_role("link", name="Sign in with Example Provider")).to_be_visible()
    assert not violations(carol.page, "sign-on-cancelled", artefacts)
