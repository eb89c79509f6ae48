"""One's profile, suspension."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import names
from accounts.actions.audit import record
from accounts.actions.sessions import end_sessions, sign_out_everywhere
from accounts.models import AuditKind, RevokedReason, Session, User
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


def suspend_user(*, user: User, actor: User | None = None, address: str | None = None) -> None:
    """Keep the user out: every session ends, every socket closes, no door opens."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=False)
        # Else Django's own sessions would be back with the reactivation.
        user.renew_session_stamp()
        end_sessions(Session.objects.filter(user=user), reason=RevokedReason.SUSPENDED)
        record(kind=AuditKind.SUSPENDED, user=user, actor=actor, address=address)
    user.is_active = False


def reactivate_user(*, user: User, actor: User | None = None, address: str | None = None) -> None:
    """Let a suspended user sign in again; ended sessions stay ended."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=True)
        record(kind=AuditKind.REACTIVATED, user=user, actor=actor, address=address)
    user.is_active = True


def powers_changed(
    *, user: User, powers: Sequence[str], actor: User, address: str | None = None
) -> None:
    """Take note that what the user may do in the administration was changed.

    They sign in anew for it, everywhere; unless they did it themselves.
    """
    with transaction.atomic():
        if user != actor:
            sign_out_everywhere(user=user, actor=actor, address=address)
        # Last: who holds the end of the trail must wait for no other row.
        record(
            kind=AuditKind.POWERS_CHANGED,
            user=user,
            actor=actor,
            address=address,
            detail={"changed": ", ".join(powers)},
        )
