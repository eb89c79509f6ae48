"""Talking to the OpenID Connect provider: where to send a browser, and whom it has signed in.

The authorisation code flow with PKCE. Nothing here knows of our own accounts.
"""

import hmac
import time
from collections.abc import Mapping
from typing import Any, Final, cast

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from django.conf import settings
from joserfc import jwt
from joserfc.errors import JoseError

from accounts.errors import SignOnFailed
from accounts.models.identity import SUBJECT_MAX
from accounts.oidc.people import Handshake, Person
from accounts.oidc.provider import Provider, asking, current_provider, json_object, word
from pneumatic.lib.http import outbound

SCOPE: Final = "openid profile email"
#: Signatures that only the provider can make. What is signed with a shared secret (HS256), or not
#: at all (none), is refused unread, whatever the provider announces.
ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
)  # fmt: skip
#: A signature that doesn't fit has the keys fetched anew, but not more often than this, in seconds.
RENEW_SECONDS: Final = 30.0
#: By how much the provider's clock may differ from ours, in seconds.
LEEWAY: Final = 60
CODE_MAX: Final = 4096
TOKEN_MAX: Final = 64 * 1024


def authorization_url(handshake: Handshake, *, redirect_uri: str) -> str:
    """Where to send the browser. Raises ``SignOnFailed`` when the provider is away."""
    provider = current_provider()
    with _session(provider, redirect_uri) as session:
        url, _ = session.create_authorization_url(
            provider.endpoint("authorization_endpoint"),
            state=handshake.state,
            nonce=handshake.nonce,
            code_verifier=handshake.verifier,
        )
    return cast(str, url)


def person_behind(answer: Mapping[str, str], handshake: Handshake, *, redirect_uri: str) -> Person:
    """Whom the provider has signed in, from the ``answer`` with which the browser came back.

    ``handshake`` is what the browser left with. Raises ``SignOnFailed``: nothing in an answer is
    believed before its ``state`` is ours, and nobody before the ID token is checked.
    """
    if not hmac.compare_digest(answer.get("state", "").encode(), handshake.state.encode()):
        raise SignOnFailed("expired", "state")
    # RFC 9207: an answer of another provider is no answer.
    if answer.get("iss", settings.OIDC_ISSUER) != settings.OIDC_ISSUER:
        raise SignOnFailed("invalid", "iss of the answer")
    if "error" in answer:
        cancelled = answer["error"] == "access_denied"
        raise SignOnFailed("cancelled" if cancelled else "refused", word(answer["error"]))
    code = answer.get("code", "")
    if not 0 < len(code) <= CODE_MAX:
        raise SignOnFailed("invalid", "code")
    provider = current_provider()
    token = _exchange(provider, code, handshake, redirect_uri)
    claims = _verified(provider, token, handshake)
    if "email" not in claims and "userinfo_endpoint" in provider.metadata:
        # Where an access token is issued too, claims of scopes may be told there only (Core, 5.4).
        claims = _with_user_info(provider, token, claims)
    return _person(claims)


# --- The exchange -------------------------------------------------------------------------------


def _session(provider: Provider, redirect_uri: str) -> Any:
    # Basic is what a provider takes that names nothing (Discovery, 3).
    methods = provider.metadata.get("token_endpoint_auth_methods_supported")
    basic = not isinstance(methods, list) or "client_secret_basic" in methods
    session = OAuth2Session(
        settings.OIDC_CLIENT_ID,
        settings.OIDC_CLIENT_SECRET,
        token_endpoint_auth_method="client_secret_basic" if basic else "client_secret_post",
        scope=SCOPE,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )
    outbound.bound(session)
    return session


def _exchange(
    provider: Provider, code: str, handshake: Handshake, redirect_uri: str
) -> Mapping[str, Any]:
    def exchange() -> Mapping[str, Any]:
        with _session(provider, redirect_uri) as session:
            token: Mapping[str, Any] = session.fetch_token(
                provider.endpoint("token_endpoint"),
                grant_type="authorization_code",
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=handshake.verifier,
            )
            return token

    return asking(exchange)


def _verified(provider: Provider, token: Mapping[str, Any], handshake: Handshake) -> dict[str, Any]:
    """The claims of the ID token, all of whose checks passed."""
    raw = token.get("id_token")
    if not isinstance(raw, str) or not 0 < len(raw) <= TOKEN_MAX:
        raise SignOnFailed("invalid", "there is no ID token")
    decoded = _decoded(provider, raw)
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        options={
            "iss": {"essential": True, "value": settings.OIDC_ISSUER},
            "aud": {"essential": True, "value": settings.OIDC_CLIENT_ID},
        },
        params={
            "client_id": settings.OIDC_CLIENT_ID,
            "nonce": handshake.nonce,
            "access_token": token.get("access_token"),
        },
    )
    try:
        claims.validate(leeway=LEEWAY)
    except (JoseError, TypeError, ValueError, OverflowError) as error:
        claim = getattr(error, "claim", None) or getattr(error, "claim_name", None)
        raise SignOnFailed("invalid", word(claim or type(error).__name__)) from None
    return dict(claims)


def _decoded(provider: Provider, raw: str) -> jwt.Token:
    """The token, its signature checked; where that fails, once more with keys fetched anew."""
    for last in (False, True):
        try:
            return jwt.decode(raw, provider.keys, algorithms=list(ALGORITHMS))
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            if last or time.monotonic() - provider.fetched_at < RENEW_SECONDS:
                raise SignOnFailed("invalid", f"signature: {type(error).__name__}") from None
        provider = current_provider(unless_fetched_at=provider.fetched_at)
    raise AssertionError("unreachable")


def _with_user_info(
    provider: Provider, token: Mapping[str, Any], claims: dict[str, Any]
) -> dict[str, Any]:
    access = token.get("access_token")

    def ask() -> dict[str, Any]:
        with requests.Session() as session:
            outbound.bound(session)
            return json_object(
                session.get(
                    provider.endpoint("userinfo_endpoint"),
                    headers={"Authorization": f"Bearer {access}"},
                )
            )

    told = asking(ask)
    # Core, 5.3.2: else the access token may be of somebody else.
    if told.get("sub") != claims["sub"]:
        raise SignOnFailed("invalid", "sub of the user info")
    # The token has no address, so it can't say either whether the one told here was verified.
    claims.pop("email_verified", None)
    return {**told, **claims}


def _person(claims: Mapping[str, Any]) -> Person:
    subject = claims["sub"]
    if (
        not isinstance(subject, str)
        or not 0 < len(subject) <= SUBJECT_MAX
        or not subject.isascii()
        or not subject.isprintable()
    ):
        raise SignOnFailed("invalid", "sub")
    verified = claims.get("email_verified")
    return Person(
        issuer=settings.OIDC_ISSUER,
        subject=subject,
        email=_text(claims, "email"),
        # Some providers tell the truth in words.
        email_verified=verified is True or verified == "true",
        username=_text(claims, "preferred_username"),
        display_name=_text(claims, "name"),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.strip() if isinstance(value, str) and len(value) <= 1000 else ""
