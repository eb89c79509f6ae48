"""The doors of single sign-on: out to the provider, and back in.

Browsers come here by following links, so each answer is a redirect, on failure to the sign-in page
with a word that the page explains.
"""

import re
from typing import Final
from urllib.parse import urlencode

import psycopg
import structlog
from django.conf import settings
from django.core import signing
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import oidc, tokens
from accounts.actions.identities import sign_in_with_identity
from accounts.api import cookies
from accounts.errors import SignOnFailed
from accounts.oidc import Handshake
from pneumatic.lib.database.outages import unavailable_from
from pneumatic.lib.http.doors import attempt, client_address

log = structlog.get_logger(__name__)

SIGN_IN_PAGE: Final = "/sign-in"
#: How long a person may take at the provider, in seconds.
PATIENCE: Final = 600
_SALT: Final = "accounts.sign-on"
#: Pages of ours: no host, no query, nothing that a browser reads as another site.
_PAGE: Final = re.compile(r"/(?:[A-Za-z0-9-]+(?:/[A-Za-z0-9-]+)*)?", re.ASCII)
_PAGE_MAX: Final = 200


@never_cache
@require_GET
def leave(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider; ``next`` is the page where it wants to come back to."""
    _require_on()
    try:
        _require_own_page(request)
        _count(request, "sign-on")
        handshake = Handshake.new()
        url = oidc.authorization_url(handshake, redirect_uri=_callback_url(request))
    except SignOnFailed as error:
        return _failed(error)
    response = HttpResponseRedirect(url)
    kept = (handshake.state, handshake.nonce, handshake.verifier, _page(request.GET.get("next")))
    _set_cookie(response, signing.dumps(kept, salt=_SALT), PATIENCE)
    return response


@never_cache
@require_GET
def come_back(request: HttpRequest) -> HttpResponse:
    """Sign in whom the provider has signed in, in the browser that left from here."""
    _require_on()
    try:
        _count(request, "sign-on-callback")
        handshake, page = _kept(request)
        # No query before this one: no connection to the database waits for the provider.
        person = oidc.person_behind(
            request.GET.dict(), handshake, redirect_uri=_callback_url(request)
        )
        session = sign_in_with_identity(
            person=person,
            may_register=settings.OIDC_REGISTER,
            user_agent=request.headers.get("User-Agent", ""),
            address=client_address(request),
        )
    except SignOnFailed as error:
        return _failed(error)
    except (DatabaseError, psycopg.Error) as error:
        if unavailable_from(error) is None:
            raise
        return _failed(SignOnFailed("busy", "the database doesn't answer"))
    response = HttpResponseRedirect(page)
    cookies.set_refresh_cookie(response, tokens.issue(session).refresh, session)
    _set_cookie(response, "", 0)
    return response


def _require_on() -> None:
    if not oidc.is_on():
        raise Http404


def _require_own_page(request: HttpRequest) -> None:
    """Another site's link leads to the sign-in page: nobody is signed in who didn't ask for it."""
    if request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        raise SignOnFailed("start", "a link of another site")


def _count(request: HttpRequest, door: str) -> None:
    if attempt(door, request):
        raise SignOnFailed("limited", "too many attempts from this address")


def _page(wanted: str | None) -> str:
    if wanted is None or len(wanted) > _PAGE_MAX or not _PAGE.fullmatch(wanted):
        return "/"
    return wanted


def _callback_url(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("sign-on-callback"))


def _kept(request: HttpRequest) -> tuple[Handshake, str]:
    """What this browser left with, and the page it wants to come back to."""
    try:
        state, nonce, verifier, page = signing.loads(
            request.COOKIES.get(cookie_name(), ""), salt=_SALT, max_age=PATIENCE
        )
    except (signing.BadSignature, ValueError) as error:
        raise SignOnFailed("expired", f"cookie: {type(error).__name__}") from None
    return Handshake(state, nonce, verifier), _page(page)


def cookie_name() -> str:
    """With HTTPS no other host of the domain can set it: so it was us who did."""
    return "__Host-pn_sign_on" if settings.HTTPS else "pn_sign_on"


def _set_cookie(response: HttpResponse, value: str, seconds: int) -> None:
    # Lax: the browser comes back by a link of the provider's, to which Strict ones aren't sent.
    response.set_cookie(
        cookie_name(),
        value,
        max_age=seconds,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _failed(error: SignOnFailed) -> HttpResponse:
    log.warning("sign_on_failed", reason=error.reason, cause=error.cause)
    response = HttpResponseRedirect(f"{SIGN_IN_PAGE}?{urlencode({'sso': error.reason})}")
    # Each handshake is good for one answer.
    _set_cookie(response, "", 0)
    return response
