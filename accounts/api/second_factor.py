"""The second factor: of whoever is signed in, and of those who must have one to come in."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import actions, queries
from accounts.api.asking import asking_session, asking_user, stay_signed_in
from accounts.api.doors import Door, origin_of, signed_in, wants_cookie
from accounts.api.second_factor_serializers import (
    CodeSerializer,
    EnrolmentSerializer,
    FinishSetupSerializer,
    PasswordAndCodeSerializer,
    PasswordSerializer,
    RecoveryCodesSerializer,
    SecondFactorSerializer,
    SetupSerializer,
    SignedInWithCodesSerializer,
)
from accounts.presenters import present_second_factor
from pneumatic.lib.http.doors import client_address, guarded
from pneumatic.lib.http.serializers import parsed

#: What is shown once is not kept by anything between us and the person.
_ONCE = {"Cache-Control": "no-store"}


def _asking(request: Request) -> dict[str, Any]:
    """Who asks, from which device and where."""
    return {
        "user": asking_user(request),
        "keep": asking_session(request),
        "address": client_address(request),
    }


class SecondFactorView(APIView):
    """Whether one has a second factor; begin one."""

    @extend_schema(operation_id="auth_second_factor", responses=SecondFactorSerializer)
    def get(self, request: Request) -> Response:
        user = asking_user(request)
        return Response(present_second_factor(user, codes_left=queries.unused_recovery_codes(user)))

    @extend_schema(
        operation_id="auth_second_factor_begin",
        request=PasswordSerializer,
        responses={201: EnrolmentSerializer},
    )
    @guarded("password")
    def post(self, request: Request) -> Response:
        wishes = parsed(PasswordSerializer(data=request.data))
        enrolment = actions.begin_second_factor(
            user=asking_user(request), address=client_address(request), **wishes
        )
        return Response(asdict(enrolment), status=201, headers=_ONCE)


class ConfirmSecondFactorView(APIView):
    """Turn it on with its first code; the other devices are signed out."""

    @extend_schema(
        operation_id="auth_second_factor_confirm",
        request=CodeSerializer,
        responses={200: RecoveryCodesSerializer},
    )
    @guarded("password")
    def post(self, request: Request) -> Response:
        wishes = parsed(CodeSerializer(data=request.data))
        codes = actions.confirm_second_factor(**_asking(request), **wishes)
        stay_signed_in(request)
        return Response({"recovery_codes": codes}, headers=_ONCE)


class DisableSecondFactorView(APIView):
    """Turn it off; the other devices are signed out."""

    @extend_schema(
        operation_id="auth_second_factor_disable",
        request=PasswordAndCodeSerializer,
        responses={204: None},
    )
    @guarded("password")
    def post(self, request: Request) -> Response:
        wishes = parsed(PasswordAndCodeSerializer(data=request.data))
        actions.disable_second_factor(**_asking(request), **wishes)
        stay_signed_in(request)
        return Response(status=204)


class RecoveryCodesView(APIView):
    """Ten new recovery codes; the old ones are void."""

    @extend_schema(
        operation_id="auth_second_factor_recovery_codes",
        request=PasswordAndCodeSerializer,
        responses={200: RecoveryCodesSerializer},
    )
    @guarded("password")
    def post(self, request: Request) -> Response:
        wishes = parsed(PasswordAndCodeSerializer(data=request.data))
        codes = actions.renew_recovery_codes(
            user=asking_user(request), address=client_address(request), **wishes
        )
        return Response({"recovery_codes": codes}, headers=_ONCE)


class SetupView(Door):
    """Begin a second factor, for an account that is not let in without one."""

    @extend_schema(
        operation_id="auth_second_factor_setup",
        request=SetupSerializer,
        responses={201: EnrolmentSerializer},
        auth=[],
    )
    @guarded("token")
    def post(self, request: Request) -> Response:
        wishes = parsed(SetupSerializer(data=request.data))
        enrolment = actions.begin_second_factor_setup(**wishes, origin=origin_of(request))
        return Response(asdict(enrolment), status=201, headers=_ONCE)


class FinishSetupView(Door):
    """Turn it on with its first code, and sign in."""

    @extend_schema(
        operation_id="auth_second_factor_setup_confirm",
        request=FinishSetupSerializer,
        responses={200: SignedInWithCodesSerializer},
        auth=[],
    )
    @guarded("token")
    def post(self, request: Request) -> Response:
        wishes = parsed(FinishSetupSerializer(data=request.data))
        cookie = wants_cookie(request, wishes)
        session, codes = actions.finish_second_factor_setup(
            **wishes,
            origin=origin_of(request),
            user_agent=request.headers.get("User-Agent", ""),
        )
        return signed_in(request, session, cookie=cookie, recovery_codes=codes)
