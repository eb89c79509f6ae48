"""A second factor, and links from e-mail, in a real browser."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from pneumatic.testing.server import ChatServer
from tests.e2e.conftest import MakePerson
from tests.e2e.person import PASSWORD, Person
from tests.e2e.pictures import photograph
from tests.e2e.troubles import SIGNED_OUT, WRONG_PASSWORD, Expected

NOT_INVITED = Expected("there is no invitation", r"status of 403", r"/auth/register/$")
DEAD_LINK = Expected("the link was used", r"status of 400", r"/auth/password/reset/confirm/$")


def _no_violations(page: Page, where: str) -> None:
    # Colours on their way from one theme to the other are neither.
    page.evaluate(
        "() => Promise.allSettled(document.getAnimations()"
        ".filter((each) => each instanceof CSSTransition).map((each) => each.finished))"
    )
    found = Axe().run(page).response["violations"]
    assert not found, f"{where}: {[(each['id'], each['nodes'][0]['html']) for each in found]}"


def _fresh_code(secret: str, used: str) -> str:
    """A code that was not used: one step ahead of the clock is as good as the present one."""
    otp = pyotp.TOTP(secret)
    return next(code for code in (otp.now(), otp.at(time.time() + 30)) if code != used)


def test_one_turns_two_step_sign_in_on_and_signs_in_with_a_code(
    alice: Person, artefacts: Path
) -> None:
    page = alice.page
    alice.come_in("/settings/twostep")
    page.get_by_label("Current password").fill(PASSWORD)
    _no_violations(page, "settings, off")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("img", name="A QR code")).to_be_visible()
    photograph(page, artefacts, "two-step-enrol")
    _no_violations(page, "enrolment")
    secret = page.locator(".enrolment-secret").inner_text().replace(" ", "")
    first = pyotp.TOTP(secret).now()
    page.get_by_label("Code", exact=True).fill(first)
    page.get_by_role("button", name="Turn it on").click()
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    expect(codes).to_have_count(10)
    photograph(page, artefacts, "two-step-codes")
    _no_violations(page, "recovery codes")
    recovery = codes.first.inner_text().strip()
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes are left")).to_be_visible()
    photograph(page, artefacts, "two-step-on")
    _no_violations(page, "settings, on")

    alice.context.clear_cookies()
    alice.visit("/sign-in")
    with alice.troubles.expecting(WRONG_PASSWORD):
        alice.sign_in()
        expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
        expect(page.get_by_label("Code", exact=True)).to_be_focused()
        photograph(page, artefacts, "two-step-code")
        _no_violations(page, "code")
        page.get_by_label("Code", exact=True).fill(first)
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("alert").filter(has_text="didn’t work")).to_be_visible()
    page.get_by_label("Code", exact=True).fill(_fresh_code(secret, first))
    page.get_by_role("button", name="Continue").click()
    alice.is_connected()

    alice.context.clear_cookies()
    alice.visit("/sign-in")
    with alice.troubles.expecting(WRONG_PASSWORD):
        alice.sign_in()
        page.get_by_role("button", name="I lost my phone").click()
    page.get_by_label("Recovery code").fill(recovery)
    page.get_by_role("button", name="Continue").click()
    alice.is_connected()


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(
    alice: Person, server: ChatServer, artefacts: Path
) -> None:
    page = alice.page
    alice.context.clear_cookies()
    alice.visit("/sign-in")
    page.get_by_role("link", name="Forgot your password?").click()
    photograph(page, artefacts, "forgot")
    _no_violations(page, "forgot")
    page.get_by_label("Email").fill(alice.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    photograph(page, artefacts, "forgot-sent")
    token = _mailed(server, "reset", alice.username)

    alice.visit(f"/reset#{token}")
    expect(page).to_have_url(re.compile("/reset$"))
    page.get_by_label("New password").fill("nine yellow lanterns")
    photograph(page, artefacts, "reset")
    _no_violations(page, "reset")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("heading", name="Password changed")).to_be_visible()
    page.get_by_role("link", name="Sign in").last.click()
    alice.sign_in("nine yellow lanterns")
    alice.is_connected()

    with alice.troubles.expecting(DEAD_LINK, SIGNED_OUT):
        alice.visit(f"/reset#{token}")
        page.get_by_label("New password").fill("ten purple lanterns")
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_role("alert").filter(has_text="no longer good")).to_be_visible()
    photograph(page, artefacts, "reset-dead")


def test_the_pages_of_links_say_what_is_wrong_with_a_link_that_is_not_whole(
    make_person: MakePerson, server: ChatServer
) -> None:
    nobody = make_person("Nobody", server, joined=False)
    for path, way_on in (("/reset", "Ask for a new link"), ("/verify", "Sign in")):
        nobody.visit(path)
        expect(nobody.page.get_by_role("alert").filter(has_text="no longer good")).to_be_visible()
        expect(nobody.page.get_by_role("link", name=way_on, exact=True)).to_be_visible()
        _no_violations(nobody.page, path)
    # Put into the address bar of the page that is open.
    nobody.visit("/verify#token")
    expect(nobody.page.get_by_label("Password", exact=True)).to_be_visible()
    expect(nobody.page).to_have_url(re.compile("/verify$"))


@pytest.fixture
def strict_server(tmp_path: Path) -> Iterator[ChatServer]:
    """One comes in by invitation, with a verified address and a second factor."""
    server = ChatServer(
        tmp_path,
        REGISTRATION="invitation",
        EMAIL_VERIFICATION="1",
        REQUIRE_SECOND_FACTOR="everyone",
    )
    server.start()
    yield server
    server.stop()


@pytest.mark.timeout(120)
def test_an_invited_newcomer_verifies_sets_up_a_second_step_and_is_in(
    strict_server: ChatServer, make_person: MakePerson, artefacts: Path
) -> None:
    nora = make_person("Nora North", strict_server, joined=False)
    page = nora.page
    nora.visit("/register")
    with nora.troubles.expecting(NOT_INVITED):
        page.get_by_label("Invitation code").fill("guessed")
        nora.fill_in_registration()
        expect(page.get_by_role("alert").filter(has_text="needs an invitation")).to_be_visible()
    photograph(page, artefacts, "register-not-invited")
    _no_violations(page, "not invited")

    printed = strict_server.manage("invite", "--email", nora.email)
    code = printed.strip().rpartition("/register#")[2]
    nora.visit(f"/register#{code}")
    expect(page.get_by_text("You are invited")).to_be_visible()
    expect(page).to_have_url(re.compile("/register$"))
    nora.fill_in_registration()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    photograph(page, artefacts, "register-sent")

    nora.visit(f"/verify#{_mailed(strict_server, 'verify', nora.username)}")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    photograph(page, artefacts, "verify")
    _no_violations(page, "verify")
    with nora.troubles.expecting(SIGNED_OUT):
        page.get_by_role("button", name="Confirm and continue").click()
        expect(page).to_have_url(re.compile("/sign-in$"))
        nora.sign_in()
        expect(page.get_by_role("img", name="A QR code")).to_be_visible()
    photograph(page, artefacts, "setup-at-the-door")
    _no_violations(page, "setup at the door")
    secret = page.locator(".enrolment-secret").inner_text().replace(" ", "")
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("list", name="Recovery codes")).to_be_visible()
    photograph(page, artefacts, "codes-at-the-door")
    page.get_by_role("button", name="I have kept them").click()
    nora.is_connected()


def _mailed(server: ChatServer, page: str, username: str) -> str:
    """The secret of the newest link to this page; e-mail lands on the server's console."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        messages = server.log.read_text().split("Subject: ")
        for message in reversed(messages):
            found = re.search(rf"/{page}#(\S+)", message)
            if found and username in message:
                return found[1]
        time.sleep(0.1)
    raise AssertionError(f"no link to /{page} was mailed")
