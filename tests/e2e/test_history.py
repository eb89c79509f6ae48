"""Reading back through a long conversation."""

from threading import Event
from uuid import uuid4

from playwright.sync_api import Page, Route, expect

from tests.e2e.person import Person

MESSAGES = 150
# The first article in view, and how far it is from the top: what the reader is looking at.
SCROLL_AND_LOOK = """(distance) => {
    const scroller = document.querySelector(".timeline");
    scroller.scrollBy({ top: -distance, behavior: "instant" });
    const top = scroller.getBoundingClientRect().top;
    const article = [...scroller.querySelectorAll("article")]
        .find((one) => one.getBoundingClientRect().top >= top);
    return [article.dataset.key, article.getBoundingClientRect().top];
}"""
TOP_OF = """(key) =>
    document.querySelector(`article[data-key="${key}"]`).getBoundingClientRect().top"""

# As a crowded browser does: what it noted in two frames reaches the page in one call. A crossing
# that is undone in the next frame is so seen together with its opposite.
NOTICES_COME_TOGETHER = """() => {
    const Own = window.IntersectionObserver;
    window.IntersectionObserver = class extends Own {
        constructor(callback, options) {
            let early = [];
            super((entries, self) => {
                early = [...early, ...entries];
                if (early.at(-1).isIntersecting) callback(early.splice(0), self);
            }, options);
        }
    };
}"""


def test_scrolling_up_brings_older_messages_and_moves_nothing(alice: Person, bob: Person) -> None:
    conversation = bob.ask("POST", "conversations/direct/", user=alice.id)["id"]
    texts = [f"Message {n:03}" for n in range(1, MESSAGES + 1)]
    bob.send_many(conversation, texts)
    read = {"seq": MESSAGES}
    alice.ask("POST", f"conversations/{conversation}/read/", **read)

    alice.come_in(f"/c/{conversation}")
    articles = alice.page.locator("[role=feed] article")
    expect(articles.last).to_be_in_viewport()
    while (loaded := articles.count()) < MESSAGES:
        key, top = _scroll_until_more(alice.page, loaded)
        assert abs(alice.page.evaluate(TOP_OF, key) - top) <= 1
    alice.sees(*texts)
    expect(alice.page.locator(".timeline-start")).to_be_attached()

    # What comes meanwhile doesn't move the reader either; it is announced.
    alice.page.evaluate(SCROLL_AND_LOOK, 100_000)
    bob.ask("POST", f"conversations/{conversation}/messages/", id=str(uuid4()), body="News")
    expect(articles).to_have_count(MESSAGES + 1)
    expect(articles.first).to_be_in_viewport()
    alice.page.get_by_role("button", name="New message").click()
    expect(articles.last).to_be_in_viewport()


def test_older_messages_come_although_the_browser_is_late_to_say_what_is_in_view(
    alice: Person, bob: Person
) -> None:
    conversation = bob.ask("POST", "conversations/direct/", user=alice.id)["id"]
    texts = [f"Message {n:03}" for n in range(1, MESSAGES + 1)]
    bob.send_many(conversation, texts)
    alice.ask("POST", f"conversations/{conversation}/read/", seq=MESSAGES)
    alice.page.add_init_script(f"({NOTICES_COME_TOGETHER})()")

    alice.come_in(f"/c/{conversation}")
    articles = alice.page.locator("[role=feed] article")
    expect(articles.last).to_be_in_viewport()
    while (loaded := articles.count()) < MESSAGES:
        alice.page.evaluate(SCROLL_AND_LOOK, 100_000)
        expect(articles.nth(loaded)).to_be_attached()
    expect(alice.page.locator(".timeline-start")).to_be_attached()


def test_the_first_unread_message_is_reached_though_a_page_is_on_its_way(
    alice: Person, bob: Person
) -> None:
    conversation = bob.ask("POST", "conversations/direct/", user=alice.id)["id"]
    bob.send_many(conversation, [f"Message {n:03}" for n in range(1, MESSAGES + 1)])
    alice.ask("POST", f"conversations/{conversation}/read/", seq=4)
    held, go_on = list[Route](), Event()
    alice.page.route(
        "**/messages/?before_seq=*",
        lambda route: route.continue_() if go_on.is_set() else held.append(route),
    )

    alice.come_in(f"/c/{conversation}")
    articles = alice.page.locator("[role=feed] article")
    expect(articles.first).to_be_attached()
    alice.page.evaluate(SCROLL_AND_LOOK, 100_000)
    expect(alice.page.locator(".history-state")).to_have_text("Loading messages")
    alice.page.get_by_role("button", name="unread above").click()
    go_on.set()
    for route in held:
        route.continue_()
    expect(alice.page.locator(".unread-line")).to_be_in_viewport()
    expect(alice.message("Message 005")).to_be_in_viewport()


def _scroll_until_more(page: Page, loaded: int) -> tuple[str, float]:
    """Scroll up until older messages come; what was looked at when they came, and where it was."""
    for _ in range(20):
        key, top = page.evaluate(SCROLL_AND_LOOK, 400)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        if any(page.locator(".history-state").all_text_contents()) or _count(page) > loaded:
            break
    expect(page.locator("[role=feed] article").nth(loaded)).to_be_attached()
    return key, top


def _count(page: Page) -> int:
    return page.locator("[role=feed] article").count()
