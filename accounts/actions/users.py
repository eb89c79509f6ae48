"""One's profile, suspension."""

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import names
from accounts.actions.sessions import end_sessions
from accounts.models import RevokedReason, Session, User
from pneumatic.lib.errors import Invalid


def update_profile(*, user: User, display_name: str) -> User:
    """Change what others read; an empty name becomes the username. Raises ``Invalid``."""
    try:
        name = names.clean_display_name(display_name) or user.username
    except ValidationError as error:
        raise Invalid(fields={"display_name": error.messages}) from None
    user.display_name = name
    user.save(update_fields=["display_name"])
    return user


def suspend_user(*, user: User) -> None:
    """Keep the user out: every session ends, every socket closes, no door opens."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=False)
        end_sessions(Session.objects.filter(user=user), reason=RevokedReason.SUSPENDED)
    user.is_active = False


def reactivate_user(*, user: User) -> None:
    """Let a suspended user sign in again; ended sessions stay ended."""
    User.objects.filter(pk=user.pk).update(is_active=True)
    user.is_active = True
