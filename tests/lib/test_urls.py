import base64
import hashlib
import json
import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import Settings

from pneumatic.browsable import API_HANDLERS, API_STYLES, DOCS_STYLE

HTML = {"accept": "text/html"}
PAGES = [
    "/",
    "/sign-in",
    "/register",
    "/forgot",
    "/reset",
    "/verify",
    "/signed-out",
    "/outbox",
    "/settings/profile",
    "/c/0198c0de-0000-7000-8000-000000000001",
]


@pytest.fixture
def someone(db: None) -> Any:
    return get_user_model().objects.create_superuser("operator", "o@example.org", "pass-phrase-1")


def _policy(response: Any) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";"))
    return {name: sources for name, _, sources in parts}


# --- Pages ---


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_the_shell_with_its_import_map_and_is_kept_nowhere(
    client: Client, address: str
) -> None:
    response = client.get(address)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    text = response.content.decode()
    nonce = re.search(r'<script type="importmap" nonce="([^"]+)">(.+?)</script>', text, re.DOTALL)
    assert nonce
    assert f"'nonce-{nonce[1]}'" in _policy(response)["script-src"]
    assert "app/main.js" in json.loads(nonce[2])["imports"] or "main.js" in text
    boot = re.search(r'<script type="application/json" id="boot"[^>]*>(.+?)</script>', text)
    assert boot
    assert json.loads(boot[1]).keys() == {
        "debug", "version", "registration", "mail", "sign_on",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cookie", "theme"),
    [
        ("dark", "dark"),
        ("light", "light"),
        ("system", "system"),
        ('"><script>', "system"),
        ("", "system"),
    ],
)
def test_the_theme_is_the_cookies_when_it_is_one(client: Client, cookie: str, theme: str) -> None:
    client.cookies["pn_theme"] = cookie
    assert f'data-theme="{theme}"' in client.get("/").content.decode()


def test_pages_are_only_for_reading(client: Client) -> None:
    assert client.post("/sign-in").status_code == 405


def test_no_page_allows_inline_styles_or_scripts(client: Client) -> None:
    policy = client.get("/")["Content-Security-Policy"]
    assert "unsafe" not in policy


# --- The browsable API, docs, admin ---


def _inline_styles(text: str) -> set[str]:
    return set(re.findall(r'\sstyle="([^"]*)"', text))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", ["/api/v1/", "/api/v1/auth/sessions/", "/api/v1/sign-in/login/"]
)
def test_the_browsable_api_holds_nothing_inline_but_what_is_allowed(
    client: Client, someone: Any, address: str
) -> None:
    for _ in ("anonymous", "signed in"):
        response = client.get(address, headers=HTML)
        assert response["Content-Type"].startswith("text/html")
        text = response.content.decode()
        assert _inline_styles(text) <= set(API_STYLES)
        assert "<style" not in text
        assert not re.search(r"<script(?![^>]*(src=|application/json))", text)
        assert set(re.findall(r"\son[a-z]+='([^']*)'", text)) <= set(API_HANDLERS)
        assert not re.search(r'\son[a-z]+="', text)
        policy = _policy(response)
        assert "unsafe-inline" not in str(policy)
        assert "unsafe" not in policy["script-src"] + policy["style-src"]
        for kind in ("style-src-attr", "script-src-attr"):
            assert policy[kind].startswith("'unsafe-hashes' 'sha256-")
        client.force_login(someone)


def test_the_docs_hold_the_one_style_that_is_allowed_by_its_hash(client: Client) -> None:
    response = client.get("/api/v1/docs/", headers=HTML)
    text = response.content.decode()
    assert re.findall(r"<style>(.*?)</style>", text, re.DOTALL) == [DOCS_STYLE]
    digest = base64.b64encode(hashlib.sha256(DOCS_STYLE.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in _policy(response)["style-src"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*src=)", text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
    script = re.search(r'src="([^"]*script=[^"]*)"', text)
    assert script
    assert "SwaggerUIBundle" in client.get(script[1]).content.decode()


@pytest.mark.parametrize("method", ["options", "post"])
def test_the_docs_are_only_for_reading(client: Client, method: str) -> None:
    response = client.generic(method, "/api/v1/docs/")
    assert response.status_code == 405
    assert client.head("/api/v1/docs/").status_code == 200


def test_the_schema_is_open_and_of_version_3_1(client: Client) -> None:
    response = client.get("/api/v1/schema/", headers={"accept": "application/json"})
    assert response.status_code == 200
    assert json.loads(response.content)["openapi"].startswith("3.1")


def test_the_root_lists_the_doors(client: Client) -> None:
    listed = client.get("/api/v1/").json()
    assert listed["auth/token"] == "http://testserver/api/v1/auth/token/"
    assert {"schema", "docs"} <= listed.keys()
    assert "ratelimit" not in {name.lower() for name in client.get("/api/v1/").headers}


@pytest.mark.usefixtures("no_redis")
def test_answers_tell_what_is_left_of_the_budget(client: Client, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 61, 0
    response = client.get("/api/v1/")
    assert response["RateLimit-Policy"] == '"minute";q=61;w=60'
    assert response["RateLimit"] == '"minute";r=60;t=1'


def test_the_admin_opens_and_needs_no_exception(client: Client, someone: Any) -> None:
    client.force_login(someone)
    response = client.get("/admin/")
    assert response.status_code == 200
    text = response.content.decode()
    assert not _inline_styles(text)
    assert "<style" not in text
    assert not re.search(r"<script(?![^>]*src=)", text)
    assert "unsafe" not in response["Content-Security-Policy"]


@pytest.mark.usefixtures("three_attempts")
@pytest.mark.parametrize("address", ["/admin/login/", "/api/v1/sign-in/login/"])
def test_the_sign_in_forms_work_and_are_limited(client: Client, someone: Any, address: str) -> None:
    form = {"username": "operator", "password": "wrong"}
    assert client.post(address, form).status_code == 200
    right = client.post(f"{address}?next=/admin/", form | {"password": "pass-phrase-1"})
    assert right.status_code == 302
    client.logout()
    codes = [client.post(address, form).status_code for _ in range(4)]
    assert codes[-1] == 429
    assert client.get(address).status_code == 200


@pytest.mark.django_db
def test_a_post_with_odd_json_is_never_a_500(client: Client) -> None:
    for raw in (
        b"[" * 100_000,
        b"NaN",
        b"\xff",
        b'"\\ud800"',
        b"9" * 5000,
        b"[]",
        b'{"a":"\\u0000"}',
    ):
        response = client.post("/api/v1/auth/token/", raw, content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (400, "invalid"), raw[:20]
