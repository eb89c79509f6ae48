"""Single sign-on against a provider that is a process of its own and speaks real HTTP."""

import json
import time
from collections.abc import Iterator
from http.cookies import Morsel
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts import actions, oidc, tokens
from accounts.api import cookies
from accounts.models import Identity, Session, User
from accounts.oidc import flow
from accounts.oidc import provider as provider_module
from pneumatic.lib import outbound
from pneumatic.testing.identity_provider import IdentityProvider, running
from pneumatic.testing.identity_provider_process import CLIENT_SECRET

pytestmark = pytest.mark.django_db

CAROL = {
    "email": "carol@example.org",
    "email_verified": True,
    "preferred_username": "carol",
    "name": "Carol Koh",
}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    with running(tmp_path_factory.mktemp("provider")) as started:
        yield started


@pytest.fixture
def provider(process: IdentityProvider, settings: Settings) -> Iterator[IdentityProvider]:
    """The provider, in order, who knows carol."""
    process.control(people={"carol": CAROL})
    for name, value in process.environment.items():
        setattr(settings, name, value)
    settings.OIDC_REGISTER = True
    oidc.forget_provider()
    yield process
    oidc.forget_provider()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience for tests of what takes too long."""
    monkeypatch.setattr(outbound, "SECONDS", 0.6)


def leave(client: Client, **query: str) -> str:
    """Follow the button; where the browser is sent."""
    answer = client.get("/sign-on/", query)
    assert answer.status_code == 302
    return str(answer["Location"])


def come_back(client: Client, url: str) -> Any:
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("http", "testserver")
    answer = client.get(f"{parts.path}?{parts.query}")
    assert answer.status_code == 302, answer.content
    return answer


def enter(client: Client, provider: IdentityProvider, login: str = "carol", **query: str) -> Any:
    """The whole way, as a browser goes it."""
    return come_back(client, provider.authorize(leave(client, **query), login))


def reason(answer: Any) -> str | None:
    """Why the browser is sent to the sign-in page; None when it is sent elsewhere."""
    parts = urlsplit(answer["Location"])
    if parts.path != "/sign-in":
        return None
    assert cookies.NAME not in answer.cookies
    words: list[str] = parse_qs(parts.query)["sso"]
    return words[0]


def handshake_cookie(client: Client) -> "Morsel[str]":
    return client.cookies["pn_sign_on"]


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


# --- Forged and replayed answers ---


def test_an_answer_with_a_wrong_state_is_refused_before_anything_is_asked(
    client: Client, provider: IdentityProvider
) -> None:
    asked = len(provider.seen())
    url = provider.authorize(leave(client), "carol")

    for wrong in (
        url.replace("state=", "state=x"),
        url.replace("state=", "other="),
        f"{url}&state=",
    ):
        leave(client)
        assert reason(come_back(client, wrong)) == "expired"
    assert len(provider.seen()) == asked
    assert not Session.objects.exists()


def test_an_answer_in_another_browser_is_refused(
    client: Client, provider: IdentityProvider
) -> None:
    """An attacker sends a victim the end of the attacker's own sign-in."""
    url = provider.authorize(leave(client), "carol")
    victim = Client()

    assert reason(come_back(victim, url)) == "expired"
    leave(victim)
    assert reason(come_back(victim, url)) == "expired"
    assert not Session.objects.exists()


@pytest.mark.parametrize("value", ["", "x", "e30:1:forged", '["a","b","c","/"]'])
def test_a_cookie_that_we_did_not_sign_is_none(
    client: Client, provider: IdentityProvider, value: str
) -> None:
    url = provider.authorize(leave(client), "carol")
    client.cookies["pn_sign_on"] = value

    assert reason(come_back(client, url)) == "expired"


def test_whoever_takes_too_long_begins_anew(client: Client, provider: IdentityProvider) -> None:
    url = provider.authorize(leave(client), "carol")

    with time_machine.travel(time.time() + 601, tick=False):
        assert reason(come_back(client, url)) == "expired"


def test_a_code_opens_the_door_once(client: Client, provider: IdentityProvider) -> None:
    url = provider.authorize(leave(client), "carol")
    kept = handshake_cookie(client).value
    assert reason(come_back(client, url)) is None

    assert handshake_cookie(client).value == ""
    client.cookies["pn_sign_on"] = kept
    assert reason(come_back(client, url)) == "refused"
    assert Session.objects.count() == 1


def test_a_code_of_another_sign_in_is_refused(client: Client, provider: IdentityProvider) -> None:
    """PKCE: a code that somebody caught is of no use in their own sign-in."""
    caught = parse_qs(urlsplit(provider.authorize(leave(Client()), "carol")).query)["code"][0]
    own = provider.authorize(leave(client), "carol")
    mine = parse_qs(urlsplit(own).query)["code"][0]

    assert reason(come_back(client, own.replace(mine, caught))) == "refused"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": None},
        {"aud": ["pneumatic", "another-client"]},
        {"aud": ["pneumatic", "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": "-120"},
        {"exp": None},
        {"exp": [1]},
        {"exp": True},
        {"iat": "+600"},
        {"iat": None},
        {"nbf": "+600"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "a\0b"},
        {"at_hash": "of another token"},
    ],
    ids=str,
)
def test_an_id_token_with_a_wrong_claim_is_refused(
    client: Client, provider: IdentityProvider, claims: dict[str, Any]
) -> None:
    provider.control(people={"carol": CAROL}, claims=claims)

    with capture_logs() as lines:
        answer = enter(client, provider)

    assert reason(answer) == "invalid"
    assert not User.objects.exists()
    (line,) = [line for line in lines if line["event"] == "sign_on_failed"]
    assert line["log_level"] == "warning"
    assert line["cause"].split()[0] in {*claims, "sub"} | {"azp"}


@pytest.mark.parametrize(
    "signature", ["none", "hs256", "hs256-client", "stranger", "embedded", "altered"]
)
def test_an_id_token_with_a_wrong_signature_is_refused(
    client: Client, provider: IdentityProvider, signature: str
) -> None:
    provider.control(people={"carol": CAROL}, signature=signature)

    with capture_logs() as lines:
        assert reason(enter(client, provider)) == "invalid"
    assert lines[-2]["cause"].startswith("signature: ")
    assert not User.objects.exists()


def test_an_answer_of_another_provider_is_refused(
    client: Client, provider: IdentityProvider
) -> None:
    url = provider.authorize(leave(client), "carol")
    iss = parse_qs(urlsplit(url).query, keep_blank_values=True)["iss"][0]
    assert iss == provider.issuer

    assert reason(come_back(client, f"{url}&iss=https://evil.example")) == "invalid"


def test_whoever_cancels_comes_back_to_the_sign_in_page(
    client: Client, provider: IdentityProvider
) -> None:
    url = provider.authorize(leave(client), "carol", answer="no")

    assert reason(come_back(client, url)) == "cancelled"


@pytest.mark.parametrize(
    "query", ["", "error=server_error", "error=%0AINFO forged", "code=", "code=" + "x" * 5000]
)
def test_an_answer_without_a_code_is_no_500(
    client: Client, provider: IdentityProvider, query: str
) -> None:
    state = parse_qs(urlsplit(leave(client)).query)["state"][0]

    with capture_logs() as lines:
        answer = come_back(client, f"http://testserver/sign-on/callback/?state={state}&{query}")

    assert reason(answer) in ("refused", "invalid")
    assert "\n" not in json.dumps(lines[-1]).replace("\\n", "\n")


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


# --- The provider is away, or not well ---


@pytest.mark.parametrize("trouble", ["hang", "drip"])
@pytest.mark.parametrize("path", [".well-known/openid-configuration", "token"])
def test_a_provider_that_never_finishes_is_given_up(
    client: Client, provider: IdentityProvider, quick: None, trouble: str, path: str
) -> None:
    if path == "token":
        leave(client)
    provider.control(people={"carol": CAROL}, trouble={f"/realm/{path}": trouble})

    answer = client.get("/sign-on/") if path != "token" else enter(client, provider)

    assert reason(answer) == "away"


@pytest.mark.parametrize("trouble", ["long", "redirect", "nonsense", "list", "deep", "error"])
@pytest.mark.parametrize("path", [".well-known/openid-configuration", "keys", "token", "userinfo"])
def test_a_provider_that_talks_nonsense_is_never_a_500(
    client: Client, provider: IdentityProvider, path: str, trouble: str
) -> None:
    if path in ("token", "userinfo"):
        leave(client)
    provider.control(
        people={"carol": CAROL}, trouble={f"/realm/{path}": trouble}, tells_in="userinfo"
    )

    known = path in ("token", "userinfo")
    with capture_logs() as lines:
        answer = enter(client, provider) if known else client.get("/sign-on/")

    assert reason(answer) in ("away", "misconfigured")
    assert [line["event"] for line in lines if line["log_level"] != "info"] == ["sign_on_failed"]


def test_a_provider_that_is_down_leads_back_to_the_sign_in_page(
    client: Client, provider: IdentityProvider, process: IdentityProvider
) -> None:
    url = provider.authorize(leave(client), "carol")
    process.stop()
    try:
        assert reason(come_back(client, url)) == "away"
        oidc.forget_provider()
        assert reason(Client().get("/sign-on/")) == "away"
    finally:
        process.start()
    # Soon, but not at once: all who came meanwhile would have waited in vain.
    oidc.forget_provider()
    assert urlsplit(leave(client)).path == "/realm/authorize"


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": None},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"token_endpoint": "//127.0.0.1/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": ["https://127.0.0.1"]},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "http://[::1"},
        {"userinfo_endpoint": 7},
    ],
    ids=str,
)
def test_a_discovery_document_that_makes_no_sense_is_not_followed(
    client: Client, provider: IdentityProvider, metadata: dict[str, Any]
) -> None:
    provider.control(metadata=metadata)

    assert reason(client.get("/sign-on/")) == "misconfigured"


def test_the_providers_addresses_are_fetched_once(
    client: Client, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []
    original = provider_module._fetch_provider

    def counted(issuer: str) -> provider_module.Provider:
        fetched.append(issuer)
        return original(issuer)

    monkeypatch.setattr(provider_module, "_fetch_provider", counted)
    for _ in range(3):
        leave(client)
    assert len(fetched) == 1
    monkeypatch.setattr(provider_module, "KEPT_SECONDS", 0.0)
    leave(client)
    assert len(fetched) == 2


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


def test_attempts_are_limited(
    client: Client, provider: IdentityProvider, settings: Settings
) -> None:
    settings.ANONYMOUS_ATTEMPTS_PER_MINUTE = 3
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
