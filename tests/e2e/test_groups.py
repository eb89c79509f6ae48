"""A group's life: begun, named, joined, left."""

import httpx
import pytest
from playwright.sync_api import expect

from pneumatic.testing.server import ChatServer
from tests.e2e.conftest import MakePerson
from tests.e2e.person import Person
from tests.e2e.troubles import NOT_THERE


def test_a_group_changes_before_everybody_and_leaves_who_is_removed(
    alice: Person, bob: Person, make_person: MakePerson, server: ChatServer
) -> None:
    carol = make_person("Carol Carter", server)
    for person in (alice, bob, carol):
        person.come_in()
    group = alice.begin(bob, carol, title="Launch crew")
    for person in (bob, carol):
        person.open("Launch crew")
        expect(person.page.locator(".conversation-sub")).to_contain_text("3 members")
    alice.write("Who brings the capsules?")
    bob.write("I do.")
    for person in (alice, bob, carol):
        person.sees("Who brings the capsules?", "I do.")

    details = alice.page.get_by_role("complementary", name="Details")
    alice.page.get_by_role("button", name="Details", exact=True).click()
    details.get_by_role("button", name="Rename").click()
    dialog = alice.page.get_by_role("dialog")
    dialog.get_by_label("Group name").fill("Night shift")
    dialog.get_by_role("button", name="Save").click()
    for person in (alice, bob, carol):
        expect(person.page.locator(".conversation-title")).to_have_text("Night shift")
        expect(person.row("Night shift")).to_be_visible()

    dave = make_person("Dave Dexter", server)
    dave.come_in()
    details.get_by_role("button", name="Add people").click()
    dialog.get_by_role("searchbox").fill(dave.username)
    dialog.get_by_role("checkbox", name="Dave Dexter").check()
    dialog.get_by_role("button", name="Add 1 person").click()
    dave.open("Night shift")
    dave.sees("Who brings the capsules?", "I do.")
    expect(bob.page.locator(".conversation-sub")).to_contain_text("4 members")

    carol.troubles.expect_from_now_on(NOT_THERE)
    details.get_by_role("button", name="Remove Carol Carter").click()
    alice.page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    expect(carol.page.get_by_role("heading", name="That conversation isn’t here")).to_be_visible()
    expect(carol.row("Night shift")).to_have_count(0)
    expect(carol.page.locator("body")).not_to_contain_text("Who brings the capsules?")
    expect(bob.page.locator(".conversation-sub")).to_contain_text("3 members")
    bob.write("She is gone.")
    alice.sees("Who brings the capsules?", "I do.", "She is gone.")
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        carol.stored(group)

    told = bob.page.locator(".system-line")
    expect(told.nth(-1)).to_contain_text("Alice Archer removed Carol Carter")
    expect(told.nth(-2)).to_contain_text("Alice Archer added Dave Dexter")
