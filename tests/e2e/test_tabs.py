"""One person, several tabs: one outbox, one session."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.person import Person
from tests.e2e.troubles import SIGNED_OUT

RENEW = "() => { window.renewed = window.__pneumatic.session.resume(); }"
TOKEN = "async () => { await window.renewed; return window.__pneumatic.session.accessToken(); }"


def test_tabs_share_messages_tokens_and_the_sign_out(alice: Person, bob: Person) -> None:
    alice.come_in()
    conversation = alice.begin(bob)
    first, second = alice.page, alice.context.new_page()
    sockets: list[str] = []
    second.on("websocket", lambda socket: sockets.append(socket.url))
    second.goto(first.url)
    alice.is_connected(second)

    # Only one tab sends; both may write, and both show everything.
    alice.write("From the first", page=first)
    alice.write("From the second", page=second)
    for page in (first, second):
        alice.sees("From the first", "From the second", page=page)
    alice.sees_mark("From the second", "sent")
    assert bob.stored(conversation) == ["From the first", "From the second"]

    before = second.evaluate("() => window.__pneumatic.session.accessToken()")
    for page in (first, second):
        page.evaluate(RENEW)
    tokens = {page.evaluate(TOKEN) for page in (first, second)}
    assert before not in tokens
    for page in (first, second):
        alice.is_connected(page)
    alice.write("Renewed in the second", page=second)
    alice.write("Renewed in the first", page=first)
    whole = ["From the first", "From the second", "Renewed in the second", "Renewed in the first"]
    for page in (first, second):
        alice.sees(*whole, page=page)
    alice.sees_mark("Renewed in the first", "sent")
    assert bob.stored(conversation) == whole
    assert len(sockets) == 1  # The new token went over the socket that was there.

    alice.troubles.expect_from_now_on(SIGNED_OUT)
    _sign_out(first)
    for page in (first, second):
        expect(page).to_have_url(re.compile("/signed-out$"))
        expect(page.locator("main")).not_to_contain_text("From the")
    second.reload()
    second.goto(f"{alice.line.url}/c/{conversation}")
    expect(second).to_have_url(re.compile("/sign-in$"))


def test_when_the_sending_tab_closes_another_sends(alice: Person, bob: Person) -> None:
    alice.come_in()
    conversation = alice.begin(bob)
    first, second = alice.page, alice.context.new_page()
    second.goto(first.url)
    alice.is_connected(second)
    first.close()
    alice.page = second
    alice.write("The other one is gone")
    alice.sees_mark("The other one is gone", "sent")
    assert bob.stored(conversation) == ["The other one is gone"]


def _sign_out(page: Page) -> None:
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Sign out").click()
