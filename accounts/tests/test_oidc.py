"""Single sign-on against a provider that is a process of its own and speaks real HTTP."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as settings_
from django.test import Client
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts import actions, oidc, tokens
from accounts.api import cookies
from accounts.models import Identity, Session, User
from accounts.oidc import flow
from accounts.tests.sign_on import CAROL, come_back, enter, handshake_cookie, leave, reason
from pneumatic.testing.identity_provider import IdentityProvider
from pneumatic.testing.identity_provider_state import CLIENT_SECRET

pytestmark = pytest.mark.django_db


# --- Coming in ---


def test_a_first_sign_in_makes_an_account_and_ends_in_the_same_session_as_a_password(
    client: Client, provider: IdentityProvider, settings: Settings
) -> None:
    settings.HTTPS = False

    answer = enter(client, provider, next="/c/0198c0de-0000-7000-8000-000000000001")

    assert answer["Location"] == "/c/0198c0de-0000-7000-8000-000000000001"
    carol = User.objects.get()
    assert (carol.username, carol.email) == ("carol", "carol@example.org")
    assert carol.display_name == "Carol Koh"
    assert not carol.has_usable_password()
    assert not carol.is_staff
    session = Session.objects.get()
    cookie = answer.cookies[cookies.NAME]
    assert tokens.verify_refresh(cookie.value).session_id == session.pk
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        True,
        "Strict",
        cookies.PATH,
    )
    refreshed = client.post("/api/v1/auth/token/refresh/", {}, content_type="application/json")
    assert refreshed.status_code == 200
    assert refreshed.json()["user"]["username"] == "carol"


def test_the_second_sign_in_finds_the_same_account_whatever_the_provider_calls_it_now(
    client: Client, provider: IdentityProvider
) -> None:
    enter(client, provider)
    renamed = {"email": "koh@example.org", "email_verified": False, "name": "C. Koh"}
    provider.control(people={"carol": renamed})

    answer = enter(Client(), provider)

    assert reason(answer) is None
    carol = User.objects.get()
    assert (carol.email, carol.display_name) == ("carol@example.org", "Carol Koh")
    assert Session.objects.filter(user=carol).count() == 2
    assert Identity.objects.get().user == carol


def test_the_request_carries_pkce_and_a_fresh_state_and_nonce(
    client: Client, provider: IdentityProvider
) -> None:
    first, second = (parse_qs(urlsplit(leave(client)).query) for _ in range(2))

    assert first["code_challenge_method"] == ["S256"]
    assert first["redirect_uri"] == ["http://testserver/sign-on/callback/"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 43
        assert first[name] != second[name]


def test_what_binds_the_answer_to_the_browser_is_a_cookie_no_script_sees(
    client: Client, provider: IdentityProvider, settings: Settings
) -> None:
    leave(client)
    cookie = handshake_cookie(client)
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["max-age"] == 600

    settings.HTTPS = True
    answer = client.get("/sign-on/", secure=True)
    assert answer.cookies["__Host-pn_sign_on"]["secure"]
    assert answer["Cache-Control"].startswith("max-age=0, no-cache, no-store")


def test_the_secret_travels_as_the_provider_takes_it(
    client: Client, provider: IdentityProvider
) -> None:
    enter(client, provider)
    assert provider.seen()[-1] == {"client": "pneumatic", "way": "basic", "right": True}

    oidc.forget_provider()
    posting = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    provider.control(people={"carol": CAROL}, metadata=posting)
    assert reason(enter(Client(), provider)) is None
    assert provider.seen()[-1] == {"client": "pneumatic", "way": "post", "right": True}


def test_claims_that_are_told_as_user_info_only_are_asked_for(
    client: Client, provider: IdentityProvider
) -> None:
    provider.control(people={"carol": CAROL}, tells_in="userinfo")

    assert reason(enter(client, provider)) is None
    assert User.objects.get().email == "carol@example.org"


def test_user_info_of_somebody_else_is_refused(client: Client, provider: IdentityProvider) -> None:
    provider.control(people={"carol": CAROL}, tells_in="userinfo", claims={"sub": "mallory"})

    assert reason(enter(client, provider)) == "invalid"
    assert not User.objects.exists()


def test_a_token_without_an_address_does_not_vouch_for_that_of_the_user_info(
    client: Client, provider: IdentityProvider
) -> None:
    unverified = CAROL | {"email_verified": False}
    vouching = {"email_verified": True}
    provider.control(people={"carol": unverified}, tells_in="userinfo", claims=vouching)

    assert reason(enter(client, provider)) == "unverified"
    assert not User.objects.exists()


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "RS256"])
def test_a_new_key_of_the_provider_is_found(
    client: Client, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    monkeypatch.setattr(flow, "RENEW_SECONDS", -1.0)
    leave(client)
    provider.control(people={"carol": CAROL}, new_key=algorithm)

    assert reason(enter(Client(), provider)) is None


def test_keys_are_not_fetched_anew_for_each_forgery(
    client: Client, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(client)
    provider.control(people={"carol": CAROL}, signature="stranger", trouble={"/realm/keys": "long"})

    assert reason(enter(client, provider)) == "invalid"
    monkeypatch.setattr(flow, "RENEW_SECONDS", -1.0)
    assert reason(enter(client, provider)) == "away"


# --- Who may come in ---


@pytest.mark.parametrize(
    "said",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "false"},
        {"email_verified": 1},
        {"email": None},
        {"email": "no address"},
        {"email": "a\0@example.org"},
    ],
    ids=str,
)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_an_address_that_is_not_verified_opens_no_door_and_tells_nothing(
    client: Client, provider: IdentityProvider, said: dict[str, Any], known: bool
) -> None:
    if known:
        User.objects.create_user("carol", "carol@example.org", "seven green lanterns")
    provider.control(people={"carol": CAROL | said})

    assert reason(enter(client, provider)) == "unverified"
    assert not Identity.objects.exists()
    assert User.objects.count() == int(known)


def test_a_suspended_account_stays_out(client: Client, provider: IdentityProvider) -> None:
    enter(client, provider)
    actions.suspend_user(user=User.objects.get())

    assert reason(enter(Client(), provider)) == "suspended"
    assert not Session.objects.filter(revoked_at=None).exists()


def test_where_newcomers_are_not_registered_only_known_people_come_in(
    client: Client, provider: IdentityProvider, settings: Settings
) -> None:
    settings.OIDC_REGISTER = False

    assert reason(enter(client, provider)) == "no_account"
    assert not User.objects.exists()
    User.objects.create_user("cara", "Carol@Example.org", "seven green lanterns")
    assert reason(enter(client, provider)) is None
    assert User.objects.get().username == "cara"


# --- The doors themselves ---


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%2f/evil.example",
        "/c/../../evil",
        "javascript:alert(1)",
        "/sign-in?sso=x",
        "/c//evil.example",
        "/\n/evil.example",
        "evil",
        "/" + "a" * 300,
        "",
    ],
)
def test_nobody_is_sent_to_another_site_after_signing_in(
    client: Client, provider: IdentityProvider, wanted: str
) -> None:
    assert enter(client, provider, next=wanted)["Location"] == "/"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_of_another_site_signs_nobody_in(
    client: Client, provider: IdentityProvider, site: str
) -> None:
    answer = client.get("/sign-on/", headers={"sec-fetch-site": site})

    assert reason(answer) == "start"


def test_without_a_provider_there_is_no_door(client: Client, settings: Settings) -> None:
    assert client.get("/sign-on/").status_code == 404
    assert client.get("/sign-on/callback/").status_code == 404
    assert b'"sign_on":null' in client.get("/sign-in").content.replace(b" ", b"")


def test_the_sign_in_page_learns_what_the_button_says(
    client: Client, provider: IdentityProvider
) -> None:
    assert b"Example Provider" in client.get("/sign-in").content


@pytest.mark.parametrize("path", ["/sign-on/", "/sign-on/callback/"])
def test_the_doors_are_only_for_links(
    client: Client, provider: IdentityProvider, path: str
) -> None:
    assert client.post(path).status_code == 405


@pytest.mark.usefixtures("three_attempts")
def test_attempts_are_limited(client: Client, provider: IdentityProvider) -> None:
    reasons = [reason(client.get("/sign-on/callback/")) for _ in range(5)]
    assert reasons[0] == "expired"
    assert reasons[-1] == "limited"


def test_no_secret_gets_into_the_log(
    client: Client, provider: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.control(people={"carol": CAROL}, claims={"nonce": "wrong"})
    with capture_logs() as lines:
        url = provider.authorize(leave(client), "carol")
        kept = handshake_cookie(client).value
        come_back(client, url)
    query = parse_qs(urlsplit(url).query)
    text = f"{lines} {caplog.text}"
    for secret in (query["code"][0], query["state"][0], kept, CLIENT_SECRET, "carol@"):
        assert secret not in text


def test_the_sign_in_page_explains_each_reason_and_no_other() -> None:
    base = Path(settings_.BASE_DIR)
    source = "".join(path.read_text() for path in (base / "accounts").glob("[ao]*/*.py"))
    raised = {
        word
        for call in re.findall(r"SignOnFailed\(([^)]*)", source)
        for word in re.findall(r'"(\w+)"(?:,| if| else)', call)
    }
    strings = (base / "static/app/ui/strings-account.js").read_text()
    explained = set(re.findall(r'"signon\.failed\.(\w+)"', strings))
    known = re.search(r"REASONS = \[(.*?)\]", (base / "static/app/ui/sign-on.js").read_text(), re.S)

    # Which is no failure: another site's link led here.
    assert raised - {"start"} == explained
    assert known
    assert set(re.findall(r'"(\w+)"', known[1])) == explained
