"""One's devices and password, for whoever is signed in."""

import uuid
from typing import TYPE_CHECKING, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import actions, queries
from accounts.api import cookies
from accounts.api.asking import asking_session, asking_user, stay_signed_in
from accounts.api.serializers import (
    ChangePasswordSerializer,
    SessionSerializer,
    SessionsQuery,
    SignOutEverywhereSerializer,
)
from accounts.authentication import BearerAuthentication, Identity
from accounts.models import Session
from accounts.presenters import present_session
from pneumatic.lib.http.doors import client_address, guarded
from pneumatic.lib.http.paging import ByUUID, asked
from pneumatic.lib.http.serializers import parsed

# Generic for the type checker only.
if TYPE_CHECKING:
    _Sessions = GenericAPIView[Session]
else:
    _Sessions = GenericAPIView


class LogoutView(APIView):
    """Sign this device out."""

    # A Django session is ended by Django's own sign-out, not here.
    authentication_classes: tuple[type[BaseAuthentication], ...] = (BearerAuthentication,)

    @extend_schema(operation_id="auth_sign_out", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        mine = cast(Identity, request.auth).session  # the only way in
        actions.sign_out(session=mine, address=client_address(request))
        return _signed_out()


class LogoutAllView(APIView):
    """Sign all of one's devices out, or all the others."""

    @extend_schema(
        operation_id="auth_sign_out_everywhere",
        request=SignOutEverywhereSerializer,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        wishes = parsed(SignOutEverywhereSerializer(data=request.data))
        keep = asking_session(request) if wishes["keep_current"] else None
        user = asking_user(request)
        actions.sign_out_everywhere(user=user, except_session=keep, address=client_address(request))
        if wishes["keep_current"]:
            stay_signed_in(request)
        return Response(status=204) if wishes["keep_current"] else _signed_out()


class ChangePasswordView(APIView):
    """Change the password; the other devices are signed out."""

    @extend_schema(
        operation_id="auth_change_password",
        request=ChangePasswordSerializer,
        responses={204: None},
    )
    @guarded("password")
    def post(self, request: Request) -> Response:
        wishes = parsed(ChangePasswordSerializer(data=request.data))
        actions.change_password(
            user=asking_user(request),
            old=wishes["old_password"],
            new=wishes["new_password"],
            keep=asking_session(request),
            address=client_address(request),
        )
        stay_signed_in(request)
        return Response(status=204)


class _ById(ByUUID):
    """The device on which one signed in last comes first: ids sort by time."""

    query = SessionsQuery

    def __init__(self) -> None:
        super().__init__("-id")


class SessionsView(_Sessions):
    """The devices on which one is, or was, signed in."""

    pagination_class = _ById
    serializer_class = SessionSerializer

    def get_queryset(self) -> QuerySet[Session]:
        ended: bool = asked(self.request, SessionsQuery)["ended"]
        find = queries.ended_sessions_of if ended else queries.sessions_of
        return find(asking_user(self.request))

    @extend_schema(
        operation_id="auth_sessions",
        parameters=[SessionsQuery],
        responses=SessionSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        mine = asking_session(request)
        return self.get_paginated_response(
            [present_session(each, current=each == mine) for each in page or ()]
        )


class SessionView(APIView):
    """One of one's devices."""

    @extend_schema(operation_id="auth_session_revoke", responses={204: None})
    def delete(self, request: Request, session_id: uuid.UUID) -> Response:
        actions.revoke_session(
            user=asking_user(request), session_id=session_id, address=client_address(request)
        )
        mine = asking_session(request)
        gone = mine is not None and mine.pk == session_id
        return _signed_out() if gone else Response(status=204)


def _signed_out() -> Response:
    response = Response(status=204)
    cookies.clear_refresh_cookie(response)
    return response
