"""Who asks, and from which device, where the permission has let nobody else in."""

from typing import cast

from django.contrib.auth import update_session_auth_hash
from rest_framework.request import Request

from accounts.authentication import Identity, django_device
from accounts.models import Session, User


def asking_user(request: Request) -> User:
    """Whoever is signed in."""
    return cast(User, request.user)


def asking_session(request: Request) -> Session | None:
    """The asking device, which may be a session of Django's own (the browsable API)."""
    if isinstance(request.auth, Identity):
        return request.auth.session
    return django_device(request._request)


def stay_signed_in(request: Request) -> None:
    """After a change that ends Django's own sessions: the one that asks is bound anew."""
    if not isinstance(request.auth, Identity):
        update_session_auth_hash(request._request, asking_user(request))
