"""Who asks, and from which device, where the permission has let nobody else in."""

from typing import cast

from rest_framework.request import Request

from accounts.authentication import Identity
from accounts.models import Session, User


def asking_user(request: Request) -> User:
    """Whoever is signed in."""
    return cast(User, request.user)


def asking_session(request: Request) -> Session | None:
    """The asking device; None where Django's own session (the browsable API) asks."""
    return request.auth.session if isinstance(request.auth, Identity) else None
