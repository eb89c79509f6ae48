"""The server goes away and comes back."""

import pytest
from playwright.sync_api import expect

from pneumatic.testing.server import ChatServer
from tests.e2e.conftest import MakePerson
from tests.e2e.person import CONNECTED
from tests.e2e.troubles import LINE_DOWN

# Starting takes a while on a busy machine, and clients wait longer after each vain attempt.
RECOVERY_MS = 45_000


@pytest.mark.timeout(150)
def test_a_crashed_server_comes_back_and_nothing_is_lost_or_doubled(
    make_person: MakePerson, fragile_server: ChatServer
) -> None:
    alice, bob = (
        make_person("Alice Archer", fragile_server),
        make_person("Bob Baker", fragile_server),
    )
    for person in (alice, bob):
        person.come_in()
        person.troubles.expect_from_now_on(LINE_DOWN)
    conversation = alice.begin(bob)
    alice.write("Before")
    alice.sees_mark("Before", "delivered")
    bob.open("Alice Archer")

    fragile_server.crash()
    alice.write("Meanwhile")
    for person in (alice, bob):
        person.is_cut_off()
    alice.sees_mark("Meanwhile", "waiting")
    bob.write("Here, too")
    fragile_server.start()
    for person in (alice, bob):
        expect(person.connection()).to_have_attribute(
            "data-connection", CONNECTED, timeout=RECOVERY_MS
        )
    for person in (alice, bob):
        feed = person.page.locator("[role=feed] .bubble-body")
        expect(feed).to_have_count(3)
        expect(feed.first).to_have_text("Before")
        assert sorted(feed.all_text_contents()) == ["Before", "Here, too", "Meanwhile"]
        assert feed.all_text_contents() == person.stored(conversation)
