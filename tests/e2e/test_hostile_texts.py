"""What people write is text: in a real browser, whatever it looks like."""

import pytest
from playwright.sync_api import Page, expect

from pneumatic.testing.server import ChatServer
from tests.e2e.conftest import PATIENCE_MS, MakePerson
from tests.security.payloads import BODIES, MARKUP

#: Everything in the page that could run or lead somewhere, besides what is the page's own.
_LOOK = """() => {
  const alien = [...document.querySelectorAll(
    'iframe, object, embed, base, form[action], math, video, audio, marquee, portal, ' +
    'meta[http-equiv], [srcdoc], script:not([nonce]):not([src]), ' +
    'svg foreignObject, svg script, svg animate, svg set')];
  const handlers = [...document.querySelectorAll('*')].filter((element) =>
    element.getAttributeNames().some((name) => name.startsWith('on')));
  const addresses = ['href', 'src', 'action', 'formaction'];
  const links = [...document.querySelectorAll(addresses.map((name) => `[${name}]`).join())]
    .flatMap((element) => addresses.map((name) => element.getAttribute(name)))
    .filter((address) => typeof address === 'string');
  const outside = [...document.querySelectorAll('.bubble-text a')].map((link) =>
    [link.protocol, link.rel, link.target].join(' '));
  return {
    pwned: window.pwned ?? null,
    alien: [...alien, ...handlers].map((element) => element.outerHTML.slice(0, 200)),
    links: [...new Set(links)],
    outside: [...new Set(outside)],
  };
}"""
_KEYS = "all => all.map((each) => each.dataset.key)"
_UPWARDS = "document.querySelector('.timeline').scrollBy({ top: -20000, behavior: 'instant' })"
_SAFE = ("http://", "https://", "mailto:", "/", "#", "./")


def _nothing_ran(page: Page) -> None:
    found = page.evaluate(_LOOK)
    assert found["pwned"] is None
    assert found["alien"] == []
    dangerous = [each for each in found["links"] if not each.lower().startswith(_SAFE)]
    assert not dangerous
    for link in found["outside"]:
        protocol, _, rest = link.partition(" ")
        assert protocol in ("http:", "https:", "mailto:")
        assert "noopener noreferrer" in rest


@pytest.mark.timeout(240)
def test_no_text_of_a_corpus_runs_a_script_or_leads_to_one(
    make_person: MakePerson, server: ChatServer
) -> None:
    """Sent through REST as bodies, and as titles, topics and names where they are taken as such."""
    assert len({text.strip() for text in BODIES}) >= 300
    mallory = make_person("Mallory", server)
    alice = make_person("Alice", server)
    group = "0198c0de-0000-7000-8000-00000000a77a"
    mallory.ask(
        "POST", "conversations/", id=group, kind="group", title="Corpus", members=[alice.id]
    )
    mallory.send_many(group, [text.strip() for text in BODIES])
    alice.come_in(f"/c/{group}")
    page = alice.page
    seen: set[str] = set()
    feed = page.locator("[role=feed] .bubble-body")
    expect(feed.first).to_be_visible()
    # Through the whole history, as a reader goes: upwards, until its beginning has been shown.
    for _ in range(200):
        seen.update(page.locator("[role=feed] article").evaluate_all(_KEYS))
        _nothing_ran(page)
        if len(seen) > len(BODIES):
            break
        page.evaluate(_UPWARDS)
        page.wait_for_timeout(50)
    assert len(seen) >= len(BODIES)

    for place, text in enumerate(MARKUP):
        name = " ".join(text.split())[:60]
        mallory.ask("PATCH", "users/me/", display_name=name)
        mallory.ask("PATCH", f"conversations/{group}/", title=name, topic=name)
        if place % 6 == 0:
            expect(page.locator(".conversation-title")).to_have_text(name, timeout=PATIENCE_MS)
            _nothing_ran(page)
    _nothing_ran(page)


def test_a_link_that_looks_like_another_one_says_where_it_leads(
    make_person: MakePerson, server: ChatServer
) -> None:
    mallory = make_person("Mallory", server)
    group = "0198c0de-0000-7000-8000-00000000a77b"
    mallory.ask("POST", "conversations/", id=group, kind="group", title="Links", members=[])
    mallory.send_many(group, ["[https://bank.example/](https://evil.example/) and **more**"])
    mallory.come_in(f"/c/{group}")
    mallory.sees("https://bank.example/ (evil.example) and more")
