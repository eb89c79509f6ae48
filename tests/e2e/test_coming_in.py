"""Registering and signing in, as they go wrong."""

import re
from pathlib import Path

from playwright.sync_api import expect

from pneumatic.testing.server import ChatServer
from tests.e2e.conftest import MakePerson
from tests.e2e.person import PASSWORD
from tests.e2e.pictures import photograph
from tests.e2e.troubles import REFUSED_FORM, WRONG_PASSWORD


def test_a_wrong_password_is_refused_and_the_right_one_leads_where_one_wanted_to_go(
    make_person: MakePerson, server: ChatServer, artefacts: Path
) -> None:
    alice = make_person("Alice Archer", server)
    alice.context.clear_cookies()
    alice.visit("/settings/appearance")
    expect(alice.page).to_have_url(re.compile("/sign-in$"))
    with alice.troubles.expecting(WRONG_PASSWORD):
        alice.sign_in("not the password")
        alert = alice.page.get_by_role("alert").filter(has_text="don’t match")
        expect(alert).to_be_focused()
    photograph(alice.page, artefacts, "sign-in-refused")
    alice.sign_in(PASSWORD)
    expect(alice.page).to_have_url(re.compile("/settings/appearance$"))
    alice.is_connected()


def test_a_registration_names_each_field_that_needs_a_look(
    make_person: MakePerson, server: ChatServer, artefacts: Path
) -> None:
    nora = make_person("Nora North", server, joined=False)
    nora.visit("/register")
    page = nora.page
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert").filter(has_text="4 fields need a look")).to_be_focused()
    expect(page.locator("[aria-invalid=true]")).to_have_count(4)
    photograph(page, artefacts, "register-refused")

    # These pass here, and are refused by the server.
    with nora.troubles.expecting(REFUSED_FORM):
        nora.fill_in_registration(username="alice", password="123456789012")
        expect(page.locator("[aria-invalid=true]")).to_have_count(2)
    expect(page.get_by_label("Username")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("aria-invalid", "true")
    for field in ("Username", "Password"):
        label = page.get_by_label(field, exact=True)
        described = (label.get_attribute("aria-describedby") or "").split()[0]
        expect(page.locator(f"[id='{described}']")).not_to_be_empty()

    nora.fill_in_registration()
    nora.is_connected()
    expect(page).to_have_url(re.compile("/$"))
