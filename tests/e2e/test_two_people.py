"""Two people in two browsers: the promise of the product, seen from outside."""

from pathlib import Path
from uuid import uuid4

from playwright.sync_api import expect

from pneumatic.testing.server import ChatServer
from tests.e2e.conftest import MakePerson
from tests.e2e.person import Person
from tests.e2e.pictures import photograph
from tests.e2e.troubles import LINE_DOWN


def test_two_people_register_talk_and_miss_nothing_while_one_is_offline(
    make_person: MakePerson, server: ChatServer, artefacts: Path
) -> None:
    alice = make_person("Alice Archer", server, joined=False)
    bob = make_person("Bob Baker", server, joined=False)
    for person in (alice, bob):
        person.visit("/register")
        person.fill_in_registration()
        person.is_connected()

    conversation = alice.begin(bob)
    alice.write("Is the tube open?")
    bob.open("Alice Archer")
    bob.write("It is. Send it through.")
    both = ["Is the tube open?", "It is. Send it through."]
    for person in (alice, bob):
        person.sees(*both)
    for person in (alice, bob):
        expect(person.page.locator(".conversation-sub")).to_have_text("Online")
    alice.sees_mark("Is the tube open?", "read")
    bob.sees_mark("It is. Send it through.", "read")
    photograph(alice.page, artefacts, "conversation")

    bob.lose_the_line()
    bob.is_cut_off()
    alice.write("The first capsule left.", "The second, too.", "**Third** and last: `done`.")
    bob.write("I am in the tunnel.")
    bob.sees_mark("I am in the tunnel.", "waiting")
    alice.sees_mark("The first capsule left.", "sent")
    expect(bob.page.locator(".strip")).to_be_visible()
    photograph(bob.page, artefacts, "offline")

    bob.find_the_line()
    bob.is_connected()
    whole = [
        *both,
        "The first capsule left.",
        "The second, too.",
        "Third and last: done.",
        "I am in the tunnel.",
    ]
    for person in (alice, bob):
        person.sees(*whole)
    bob.sees_mark("I am in the tunnel.", "read")
    alice.sees_mark("The second, too.", "read")

    for person in (alice, bob):
        person.get_token()
    sent = [*whole[:4], "**Third** and last: `done`.", whole[5]]
    assert alice.stored(conversation) == bob.stored(conversation) == sent


def test_a_message_that_waits_outlives_the_page_and_leaves_once(alice: Person, bob: Person) -> None:
    alice.come_in()
    conversation = alice.begin(bob)
    alice.write("Before")
    alice.sees_mark("Before", "sent")

    # REST is blocked, so a page may load but nobody gets a token for a socket.
    alice.troubles.expect_from_now_on(LINE_DOWN)
    alice.context.route("**/api/v1/**", lambda route: route.abort("internetdisconnected"))
    alice.line.cut()
    alice.is_cut_off()
    alice.write("Kept", "in order")
    alice.sees_mark("in order", "waiting")
    alice.page.goto("about:blank")
    alice.line.mend()
    alice.visit(f"/c/{conversation}")
    alice.sees("Before", "Kept", "in order")
    alice.sees_mark("Kept", "waiting")
    assert bob.stored(conversation) == ["Before"]

    alice.context.unroute("**/api/v1/**")
    alice.is_connected()
    alice.sees_mark("in order", "sent")
    alice.sees("Before", "Kept", "in order")
    assert bob.stored(conversation) == ["Before", "Kept", "in order"]


def test_a_person_who_comes_back_finds_what_is_unread(alice: Person, bob: Person) -> None:
    conversation = bob.ask("POST", "conversations/direct/", user=alice.id)["id"]
    alice.come_in()
    alice.page.goto("about:blank")
    for n in range(3):
        bob.ask(
            "POST", f"conversations/{conversation}/messages/", id=str(uuid4()), body=f"News {n}"
        )
    alice.come_in()
    expect(alice.row("Bob Baker").locator(".count")).to_contain_text("3 unread")
    alice.open("Bob Baker")
    alice.sees("News 0", "News 1", "News 2")
    expect(alice.row("Bob Baker").locator(".count")).to_have_count(0)


def test_a_page_that_was_left_at_once_opens_again_as_it_was_without_the_server(
    alice: Person, bob: Person
) -> None:
    alice.come_in()
    conversation = alice.begin(bob)
    alice.write("Only just")
    alice.sees_mark("Only just", "sent")
    alice.page.goto("about:blank")
    alice.troubles.expect_from_now_on(LINE_DOWN)
    alice.context.route("**/api/v1/**", lambda route: route.abort("internetdisconnected"))
    alice.visit(f"/c/{conversation}")
    alice.sees("Only just")
    expect(alice.row("Bob Baker")).to_be_visible()
