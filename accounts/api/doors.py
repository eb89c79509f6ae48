"""The doors that open without being signed in: register, sign in, refresh."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import actions, knowndevices, tokens
from accounts.api import cookies
from accounts.api.serializers import (
    RefreshSerializer,
    RegisterSerializer,
    SignedInSerializer,
    SignInSerializer,
)
from accounts.errors import InvalidToken
from accounts.models import Session
from accounts.presenters import present_user
from pneumatic.lib.errors import Unauthenticated
from pneumatic.lib.http.doors import BudgetThrottle, client_address, guarded
from pneumatic.lib.http.serializers import parsed
from pneumatic.lib.times import rfc3339


class Door(APIView):
    """A view for whoever is not signed in."""

    # Nobody is authenticated here: an old token in the headers must not bar the way to a new one.
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class RegisterView(Door):
    """Make an account, and sign in. 202: a link went to the address; open it to go on."""

    @extend_schema(
        operation_id="auth_register",
        request=RegisterSerializer,
        responses={201: SignedInSerializer, 202: None},
        auth=[],
    )
    @guarded("register")
    def post(self, request: Request) -> Response:
        wishes = parsed(RegisterSerializer(data=request.data))
        cookie = wants_cookie(request, wishes)
        session = actions.register(**wishes, **device_of(request))
        if session is None:
            return Response(status=202)
        return signed_in(request, session, cookie=cookie, status=201)


class TokenView(Door):
    """Sign in with username or e-mail address, and password."""

    @extend_schema(
        operation_id="auth_sign_in",
        request=SignInSerializer,
        responses={200: SignedInSerializer},
        auth=[],
    )
    @guarded("token")
    def post(self, request: Request) -> Response:
        wishes = parsed(SignInSerializer(data=request.data))
        cookie = wants_cookie(request, wishes)
        session = actions.sign_in(
            **wishes,
            **device_of(request),
            device_cookie=request.COOKIES.get(knowndevices.cookie_name(), ""),
        )
        return signed_in(request, session, cookie=cookie)


def _refresher(request: Request) -> object | None:
    """Whom a rightly signed refresh token names; nobody can guess one.

    They have budgets of their own: in an office many people share an address, and all come at
    nine o'clock.
    """
    body = request.data
    given = body.get("refresh") if isinstance(body, dict) else None
    raw = request.COOKIES.get(cookies.NAME) if given is None else given
    try:
        return tokens.verify_refresh(raw).user_id if isinstance(raw, str) else None
    except Unauthenticated:
        return None


class _RefresherThrottle(BudgetThrottle):
    def who(self, request: Request) -> object | None:
        return _refresher(request)


class RefreshView(Door):
    """Exchange a refresh token for a new pair; each is good for one exchange."""

    throttle_classes = (_RefresherThrottle,)

    @extend_schema(
        operation_id="auth_refresh",
        request=RefreshSerializer,
        responses={200: SignedInSerializer},
        auth=[],
    )
    @guarded("refresh", by=_refresher)
    def post(self, request: Request) -> Response:
        refresh = parsed(RefreshSerializer(data=request.data)).get("refresh")
        cookie = refresh is None
        if refresh is None:
            refresh = request.COOKIES.get(cookies.NAME)
            if not refresh:
                raise InvalidToken("There is no refresh token; sign in.")
            cookies.require_same_origin(request)
        session = actions.refresh_session(refresh=refresh, address=client_address(request))
        return signed_in(request, session, cookie=cookie)

    def handle_exception(self, exc: Exception) -> Response:
        """A cookie that was refused is of no more use: take it back."""
        response = super().handle_exception(exc)
        if response.status_code == 401 and cookies.NAME in self.request.COOKIES:
            cookies.clear_refresh_cookie(response)
        return response


def wants_cookie(request: Request, wishes: dict[str, Any]) -> bool:
    """Take ``cookie`` out of the wishes; raises ``Forbidden`` for pages of other origins."""
    cookie: bool = wishes.pop("cookie")
    if cookie:
        # Else another site could sign its visitors in here, as somebody it knows.
        cookies.require_same_origin(request)
    return cookie


def origin_of(request: Request) -> actions.Origin:
    """Where the request for setting up a second factor comes from."""
    return actions.Origin(
        address=client_address(request),
        device_cookie=request.COOKIES.get(knowndevices.cookie_name(), ""),
        door="setup",
    )


def device_of(request: Request) -> dict[str, str]:
    """What a new session keeps of the request."""
    return {
        "user_agent": request.headers.get("User-Agent", ""),
        "address": client_address(request),
    }


def signed_in(
    request: Request,
    session: Session,
    *,
    cookie: bool,
    status: int = 200,
    recovery_codes: list[str] | None = None,
) -> Response:
    """The answer to whoever has just come in, or stays in."""
    pair = tokens.issue(session)
    body: dict[str, Any] = {
        "access": pair.access,
        "access_expires_at": rfc3339(pair.access_expires_at),
        "session": str(session.pk),
        "user": present_user(session.user),
    }
    if not cookie:
        body["refresh"] = pair.refresh
    if recovery_codes is not None:
        body["recovery_codes"] = recovery_codes
    response = Response(body, status=status, headers={"Cache-Control": "no-store"})
    if cookie:
        cookies.set_refresh_cookie(response, pair.refresh, session)
        cookies.set_device_cookie(request, response, session.user)
    return response
