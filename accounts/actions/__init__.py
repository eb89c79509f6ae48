"""Every write to people and sessions: verbs, keyword-only, atomic."""

from accounts.actions.passwords import change_password, set_password
from accounts.actions.rotation import refresh_session, settle_pair
from accounts.actions.sessions import (
    end_sessions,
    open_session,
    revoke_session,
    revoke_sessions,
    sign_in,
    sign_out,
    sign_out_everywhere,
    touch_session,
)
from accounts.actions.users import (
    powers_changed,
    reactivate_user,
    register,
    register_user,
    suspend_user,
    update_profile,
)

__all__ = [
    "change_password",
    "end_sessions",
    "open_session",
    "powers_changed",
    "reactivate_user",
    "refresh_session",
    "register",
    "register_user",
    "revoke_session",
    "revoke_sessions",
    "set_password",
    "settle_pair",
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
    "suspend_user",
    "touch_session",
    "update_profile",
]
