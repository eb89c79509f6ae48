"""The watch over all the other tests: it must see what it is there for."""

from pneumatic.testing.server import ChatServer
from tests.e2e.conftest import MakePerson


def test_nothing_that_a_browser_complains_of_goes_unseen(
    make_person: MakePerson, server: ChatServer
) -> None:
    nobody = make_person("Nobody", server, joined=False)
    nobody.visit("/sign-in")
    assert nobody.troubles.found == []
    page = nobody.page
    with page.expect_console_message(lambda message: "mistake" in message.text):
        page.evaluate("() => console.error('mistake')")
    with nobody.context.expect_event("weberror"):
        page.evaluate("() => { setTimeout(() => { throw new Error('uncaught mistake'); }); }")
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate("() => { document.body.setAttribute('style', 'color: red'); }")
    page.route("**/broken", lambda route: route.fulfill(status=503))
    page.evaluate("() => fetch('/broken')")

    found = "\n".join(nobody.troubles.found)
    for complaint in ("mistake", "uncaught mistake", "Content Security Policy", "HTTP 503"):
        assert complaint in found
    nobody.troubles.found.clear()
