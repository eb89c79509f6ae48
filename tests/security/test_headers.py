"""What browsers are told with every answer, whoever gives it."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import Settings

from accounts.api import cookies
from pneumatic.testing.factories import World, make_token

#: One of each kind: a page, the admin, the browsable API, its documentation, JSON, a file, a probe,
#: and what isn't there.
ADDRESSES = {
    "a page": "/",
    "the admin": f"/{settings.ADMIN_PATH}login/",
    "the sign-in of the browsable API": "/api/v1/sign-in/login/",
    "the browsable API": "/api/v1/?format=api",
    "the documentation": "/api/v1/docs/",
    "JSON": "/api/v1/",
    "a refusal": "/api/v1/users/me/",
    "a probe": "/healthz",
    "a page that is not there": "/nowhere",
    "an address that is not there": "/api/v1/nowhere/",
}
PAGES = [name for name in ADDRESSES if name != "a probe"]

pytestmark = pytest.mark.django_db


@pytest.fixture(params=ADDRESSES)
def answer(request: pytest.FixtureRequest) -> Any:
    return Client().get(ADDRESSES[request.param])


def test_every_answer_says_how_browsers_are_to_treat_it(answer: Any) -> None:
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Permissions-Policy"].startswith("camera=()")
    assert not {"Server", "X-Powered-By", "Via"} & answer.headers.keys()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_behind_the_same_policy(name: str) -> None:
    answer = Client().get(ADDRESSES[name])
    policy = answer["Content-Security-Policy"]
    for part in (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ):
        assert part in policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Referrer-Policy"] == "same-origin"


def test_the_nonce_of_a_page_is_new_each_time() -> None:
    policies = {Client().get("/")["Content-Security-Policy"] for _ in range(5)}
    assert len(policies) == 5


def test_no_script_of_the_client_may_make_html_out_of_text() -> None:
    policy = Client().get("/")["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in policy
    assert "trusted-types 'none'" in policy


def test_over_https_browsers_are_told_to_stay_there(settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get("/", secure=True)
    assert answer["Strict-Transport-Security"].startswith("max-age=31536000; includeSubDomains")
    assert Client().get("/")["Location"] == "https://testserver/"


@pytest.mark.parametrize("path", ["users/me/", "conversations/", "auth/sessions/", "nowhere/"])
def test_private_answers_are_kept_nowhere(world: World, path: str) -> None:
    bearer = {"authorization": f"Bearer {make_token(world.alice)}"}
    assert "no-store" in Client().get(f"/api/v1/{path}", headers=bearer)["Cache-Control"]


def test_trace_is_not_answered(world: World) -> None:
    bearer = {"authorization": f"Bearer {make_token(world.alice)}"}
    for path in ("/", "/api/v1/users/me/", "/healthz"):
        answer = Client().generic("TRACE", path, headers=bearer)
        assert b"Bearer" not in answer.content
        assert answer.status_code in (200, 405)
        assert answer.status_code == 405 or path == "/healthz"


# --- Cookies ------------------------------------------------------------------------------------


def test_over_https_no_other_host_can_set_our_cookies(tmp_path: Any) -> None:
    """As production names and marks them: the settings are read by a process of its own."""
    names = (
        "SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY",
        "SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_DOMAIN", "SESSION_COOKIE_PATH",
        "CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE", "CSRF_COOKIE_SAMESITE", "CSRF_COOKIE_DOMAIN",
        "CSRF_COOKIE_PATH",
    )  # fmt: skip
    code = f"""
import json
import django; django.setup()
from django.conf import settings
from accounts.api import cookies
print(json.dumps([cookies.NAME, {{name: getattr(settings, name) for name in {names!r}}}]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "pneumatic.settings",
            "PNEUMATIC_ENV": "production",
            "PNEUMATIC_DATA_DIR": str(tmp_path),
            "SECRET_KEY": "k" * 50,
            "JWT_SIGNING_KEY": "j" * 50,
        },
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    refresh, found = json.loads(done.stdout)
    assert refresh == "__Secure-pn_refresh"
    assert found == {
        "SESSION_COOKIE_NAME": "__Host-sessionid",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_DOMAIN": None,
        "SESSION_COOKIE_PATH": "/",
        "CSRF_COOKIE_NAME": "__Host-csrftoken",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_DOMAIN": None,
        "CSRF_COOKIE_PATH": "/",
    }


def test_the_refresh_cookie_goes_to_one_path_and_to_no_script(settings: Settings) -> None:
    settings.HTTPS = True
    newcomer = {
        "username": "newcomer",
        "email": "newcomer@example.org",
        "password": "a sentence nobody knows",
        "cookie": True,
    }
    answer = Client().post("/api/v1/auth/register/", newcomer, content_type="application/json")
    cookie = answer.cookies[cookies.NAME]
    assert (cookie["path"], cookie["samesite"]) == ("/api/v1/auth/token/refresh/", "Strict")
    assert cookie["secure"] is True
    assert cookie["httponly"] is True
    assert cookie["domain"] == ""
    assert "refresh" not in answer.json()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "https://testserver"},
        {"Origin": "http://testserver:81"},
    ],
    ids=str,
)
@pytest.mark.parametrize("door", ["register/", "token/", "token/refresh/"])
def test_no_other_site_can_refresh_a_cookie_or_sign_its_visitors_in(
    headers: dict[str, str], door: str
) -> None:
    client = Client()
    client.cookies[cookies.NAME] = "whatever"
    body = {
        "register/": {
            "username": "evil", "email": "e@example.org", "password": "long enough a password",
            "cookie": True,
        },
        "token/": {"username": "evil", "password": "x", "cookie": True},
        "token/refresh/": {},
    }[door]  # fmt: skip
    answer = client.post(
        f"/api/v1/auth/{door}", body, content_type="application/json", headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert not answer.cookies
