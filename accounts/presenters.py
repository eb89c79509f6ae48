"""Rows as others get to see them."""

from typing import Any

from accounts.models import Session, User
from pneumatic.lib.times import rfc3339


def present_user(user: User) -> dict[str, Any]:
    """What everyone may see of a person, wherever one is shown; never the e-mail address."""
    return {
        "id": user.pk,
        "username": user.username,
        "display_name": user.get_full_name(),
        "avatar": None,
    }


def present_session(session: Session, *, current: bool) -> dict[str, Any]:
    """A device, as its owner sees it; ``current`` when it is the one that asks."""
    return {
        "id": str(session.pk),
        "device": session.device,
        "user_agent": session.user_agent,
        "address": session.address,
        "created_at": rfc3339(session.created_at),
        "last_used_at": rfc3339(session.last_used_at),
        "expires_at": rfc3339(session.expires_at),
        "current": current,
        "ended_at": rfc3339(session.revoked_at) if session.revoked_at else None,
        "ended_reason": session.revoked_reason,
    }


def present_second_factor(user: User, *, codes_left: int) -> dict[str, Any]:
    """Whether ``user`` has a second factor, for that person alone."""
    return {
        "enabled": user.second_factor_at is not None,
        "since": user.second_factor_at and rfc3339(user.second_factor_at),
        "recovery_codes_left": codes_left,
    }
