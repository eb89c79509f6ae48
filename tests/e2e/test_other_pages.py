"""The pages that come with Django and DRF, under our Content-Security-Policy."""

import re

from playwright.sync_api import expect

from pneumatic.testing.server import ChatServer
from tests.e2e.conftest import MakePerson
from tests.e2e.person import PASSWORD


def test_the_admin_opens_every_list(make_person: MakePerson, server: ChatServer) -> None:
    server.manage(
        "createsuperuser",
        "--noinput",
        "--username=keeper",
        "--email=keeper@example.org",
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    keeper = make_person("Keeper", server, joined=False)
    keeper.visit("/admin/")
    page = keeper.page
    page.get_by_label(re.compile("Username|Email")).fill("keeper")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#content h1")).to_have_text("Site administration")
    lists = page.locator("#content-main th[scope=row] a")
    addresses = [link.get_attribute("href") for link in lists.all()]
    assert len(addresses) >= 5
    for address in addresses:
        page.goto(f"{keeper.line.url}{address}")
        expect(page.locator("#changelist")).to_be_visible()
        first = page.locator("#result_list tbody th a").first
        if first.count():
            first.click()
            expect(page.locator("#content-main form").first).to_be_visible()


def test_the_browsable_api_and_its_documentation_open(
    make_person: MakePerson, server: ChatServer
) -> None:
    reader = make_person("Reader", server)
    page = reader.page
    reader.visit("/api/v1/")
    page.get_by_role("link", name="Log in").click()
    page.get_by_label(re.compile("Username|Email")).fill(reader.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    reader.visit("/api/v1/conversations/")
    expect(page.locator(".response-info")).to_contain_text("HTTP 200 OK")
    expect(page.locator(".breadcrumb").first).to_be_visible()

    reader.visit("/api/v1/docs/")
    # The last part to be drawn; what is clicked before may be drawn anew.
    expect(page.locator(".models")).to_be_visible()
    page.locator(".opblock-summary-control").first.click()
    expect(page.locator(".opblock-body").first).to_be_visible()
