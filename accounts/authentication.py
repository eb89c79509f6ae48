"""From a token to a person: for REST, for the socket, and for Django's own sign-in."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session as DjangoSession
from django.db import transaction
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import actions, knowndevices, queries, tokens
from accounts.actions import settle_pairs, touch_session
from accounts.errors import InvalidToken, SessionRevoked, WrongCredentials
from accounts.models import AuditKind, Session, User
from accounts.tokens import Claims
from pneumatic.lib.errors import Unauthenticated
from pneumatic.lib.http.doors import client_address


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, from which device, and until when the token that says so is good."""

    user: User
    session: Session
    expires_at: datetime


def authenticate_token(raw: str) -> Identity:
    """Whoever this access token stands for, in one query; a second one at a pair's first use.

    Raises ``InvalidToken``, ``TokenExpired``, or ``SessionRevoked`` when the device was signed out
    or its user suspended; all are ``Unauthenticated``.
    """
    claims = claims_of(raw)
    found = _identity(claims, queries.active_session(claims.session_id))
    if isinstance(found, Unauthenticated):
        raise found
    settle_pairs(used=[(found.session, claims)])
    return found


def claims_of(raw: str) -> Claims:
    """What an access token says, which is still to be authenticated; asks nobody.

    Raises ``InvalidToken`` or ``TokenExpired``.
    """
    return tokens.verify_access(raw)


def authenticate_all(asked: Collection[Claims]) -> dict[Claims, Identity | Unauthenticated]:
    """Whoever these stand for, or why nobody does, in one query for all of them.

    As ``authenticate_token``, with one more for all first uses of a pair, and for each refusal.
    """
    sessions = queries.active_sessions_among(each.session_id for each in asked)
    found = {each: _identity(each, sessions.get(each.session_id)) for each in asked}
    settle_pairs(
        used=[(who.session, each) for each, who in found.items() if isinstance(who, Identity)]
    )
    return found


def _identity(claims: Claims, session: Session | None) -> Identity | Unauthenticated:
    if session is None:
        return SessionRevoked.because(queries.why_ended(claims.session_id))
    if session.user_id != claims.user_id:
        return InvalidToken()
    return Identity(user=session.user, session=session, expires_at=claims.expires_at)


#: Where a session of Django's own keeps the id of its row among the person's devices.
_DEVICE: Final = "accounts.device"


class DeviceMiddleware(MiddlewareMixin):
    """Django's own sessions end with their row among the devices. After Django's own middleware."""

    def process_request(self, request: HttpRequest) -> None:
        signed_in = request.user
        # As lazily as Django does: most requests don't ask.
        request.user = SimpleLazyObject(lambda: _still_in(request, signed_in))  # type: ignore[assignment]


def _still_in(request: HttpRequest, signed_in: Any) -> Any:
    if not signed_in.is_authenticated:
        return signed_in
    if _DEVICE not in request.session:
        _list_late(request, signed_in)
    listed = request.session.get(_DEVICE)
    device = queries.active_session(uuid.UUID(listed)) if listed else None
    if device is None or device.user_id != signed_in.pk:
        request.session.flush()
        return AnonymousUser()
    touch_session(session=device)
    request.django_device = device  # type: ignore[attr-defined]
    return signed_in


def _list_late(request: HttpRequest, user: User) -> None:
    """Put a session among the devices that was begun by a version that listed none."""
    with transaction.atomic():
        # Of several requests at once with the same cookie, one lists it, and the others see that.
        row = DjangoSession.objects.select_for_update().filter(pk=request.session.session_key)
        present = [each.get_decoded() for each in row]
        if not present:
            return  # signed out in this very moment
        if _DEVICE in present[0]:
            request.session[_DEVICE] = present[0][_DEVICE]
            return
        _list(request, user, AuditKind.SESSION_LISTED)
        request.session.save()


def list_django_session(request: HttpRequest) -> None:
    """Put the session of Django's own that was just begun among the person's devices."""
    _list(request, cast(User, request.user), AuditKind.ADMIN_SIGNED_IN)


def _list(request: HttpRequest, user: User, kind: AuditKind) -> None:
    page = "administration" if _form(request) == "admin" else "browsable API"
    device = actions.open_django_session(
        user=user,
        page=page,
        user_agent=request.headers.get("User-Agent", ""),
        address=client_address(request),
        kind=kind,
    )
    request.session[_DEVICE] = str(device.pk)


def django_device(request: HttpRequest) -> Session | None:
    """The row of the session of Django's own with which somebody asks; None: with none of them."""
    _ = request.user.is_authenticated  # looks it up
    return getattr(request, "django_device", None)


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <access token>``; ``request.auth`` is the :class:`Identity`."""

    def authenticate(self, request: Request) -> tuple[User, Identity] | None:
        scheme, _, raw = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        try:
            identity = authenticate_token(raw.strip().decode("latin-1"))
        except Unauthenticated as error:
            # As the framework's own error, so that it marks the request as nobody's and can still
            # render an answer.
            raise AuthenticationFailed(error.detail) from error
        touch_session(session=identity.session)
        return identity.user, identity

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def _form(request: HttpRequest | None) -> Literal["admin", "browsable_api"]:
    in_admin = request is None or request.path.startswith(f"/{settings.ADMIN_PATH}")
    return "admin" if in_admin else "browsable_api"


class NameOrEmailBackend(ModelBackend):
    """Django's sign-in (the admin, the browsable API): the same proof as at every other door."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        code: str = "",
        **_: Any,
    ) -> User | None:
        """The user, or None; raises what ``actions.sign_in`` raises but ``WrongCredentials``."""
        if username is None or password is None:
            return None
        cookie = request.COOKIES.get(knowndevices.cookie_name(), "") if request else ""
        address = client_address(request) if request else None
        try:
            return actions.admit(
                login=username,
                password=password,
                code=code,
                origin=actions.Origin(address=address, device_cookie=cookie, door=_form(request)),
            )
        except WrongCredentials:
            return None

    def get_user(self, user_id: Any) -> User | None:
        """None for whoever is suspended, or lacks a second factor that is required."""
        user = super().get_user(user_id)
        if not isinstance(user, User) or user.lacks_second_factor:
            return None
        return user
