"""What comes by e-mail: the link that finishes a registration, the link that resets a password."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import actions
from accounts.api.doors import Door, device_of, signed_in, wants_cookie
from accounts.api.recovery_serializers import (
    RequestResetSerializer,
    ResetSerializer,
    VerifySerializer,
)
from accounts.api.serializers import SignedInSerializer
from pneumatic.lib.http.doors import client_address, guarded
from pneumatic.lib.http.serializers import parsed


class VerifyView(Door):
    """Finish a registration: make the account, and sign in."""

    @extend_schema(
        operation_id="auth_email_verify",
        request=VerifySerializer,
        responses={201: SignedInSerializer},
        auth=[],
    )
    @guarded("verify")
    def post(self, request: Request) -> Response:
        wishes = parsed(VerifySerializer(data=request.data))
        cookie = wants_cookie(request, wishes)
        session = actions.verify_registration(**wishes, **device_of(request))
        return signed_in(request, session, cookie=cookie, status=201)


class RequestResetView(Door):
    """Ask for a link to reset a password. The answer is the same for every address."""

    @extend_schema(
        operation_id="auth_password_reset",
        request=RequestResetSerializer,
        responses={202: None},
        auth=[],
    )
    @guarded("reset")
    def post(self, request: Request) -> Response:
        wishes = parsed(RequestResetSerializer(data=request.data))
        actions.request_password_reset(**wishes)
        return Response(status=202)


class ResetView(Door):
    """Choose a new password; all devices are signed out."""

    @extend_schema(
        operation_id="auth_password_reset_confirm",
        request=ResetSerializer,
        responses={204: None},
        auth=[],
    )
    @guarded("reset")
    def post(self, request: Request) -> Response:
        wishes = parsed(ResetSerializer(data=request.data))
        actions.reset_password(
            token=wishes["token"], new=wishes["new_password"], address=client_address(request)
        )
        return Response(status=204)
