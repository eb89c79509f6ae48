"""The refresh token as a cookie that no script can read and no other site can use."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.request import Request

from accounts import knowndevices, tokens
from accounts.models import Session, User
from pneumatic.lib.errors import Forbidden

#: `__Secure-` and not `__Host-`, which would have it sent to every path.
NAME: Final = "__Secure-pn_refresh" if settings.HTTPS else "pn_refresh"
#: The one door that reads it; no other request carries it.
PATH: Final = "/api/v1/auth/token/refresh/"


def set_refresh_cookie(response: HttpResponse, refresh: str, session: Session) -> None:
    """Hand the refresh token to the browser until the session's end."""
    response.set_cookie(
        NAME,
        refresh,
        max_age=int(tokens.remaining(session).total_seconds()),
        path=PATH,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Strict",
    )


def clear_refresh_cookie(response: HttpResponse) -> None:
    """Take the refresh token back from the browser."""
    response.set_cookie(
        NAME, "", max_age=0, path=PATH, secure=settings.HTTPS, httponly=True, samesite="Strict"
    )


def set_device_cookie(
    request: HttpRequest | Request, response: HttpResponseBase, user: User
) -> None:
    """Know this browser again as one of ``user``, who has just proved to be that person."""
    name = knowndevices.cookie_name()
    response.set_cookie(
        name,
        knowndevices.remember(
            request.COOKIES.get(name, ""), user_id=user.pk, password=user.password
        ),
        max_age=knowndevices.MAX_AGE,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Strict",
    )


def require_same_origin(request: Request) -> None:
    """Raise ``Forbidden`` when a page of another origin made its browser send this request.

    Programs that are no browsers send neither header, and are let through.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        raise Forbidden("Cookies are only taken from this site's own pages.")
    origin = request.headers.get("Origin")
    own = f"{request.scheme}://{request.get_host()}".lower()
    if origin is not None and origin.lower() != own and origin not in settings.ALLOWED_ORIGINS:
        raise Forbidden("Cookies are only taken from this site's own pages.")
