"""Every write to people and sessions: verbs, keyword-only, atomic."""

from accounts.actions.failures import Origin
from accounts.actions.identity import admit
from accounts.actions.invitations import invite, revoke_invitation
from accounts.actions.passwords import (
    change_password,
    request_password_reset,
    reset_password,
    set_password,
)
from accounts.actions.registration import register, register_user, verify_registration
from accounts.actions.rotation import refresh_session, settle_pairs
from accounts.actions.second_factor import (
    Enrolment,
    begin_second_factor,
    begin_second_factor_setup,
    confirm_second_factor,
    disable_second_factor,
    finish_second_factor_setup,
    remove_second_factor,
    renew_recovery_codes,
    renew_secrets,
)
from accounts.actions.sessions import (
    end_sessions,
    open_django_session,
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
    suspend_user,
    update_profile,
)

__all__ = [
    "Enrolment",
    "Origin",
    "admit",
    "begin_second_factor",
    "begin_second_factor_setup",
    "change_password",
    "confirm_second_factor",
    "disable_second_factor",
    "end_sessions",
    "finish_second_factor_setup",
    "invite",
    "open_django_session",
    "open_session",
    "powers_changed",
    "reactivate_user",
    "refresh_session",
    "register",
    "register_user",
    "remove_second_factor",
    "renew_recovery_codes",
    "renew_secrets",
    "request_password_reset",
    "reset_password",
    "revoke_invitation",
    "revoke_session",
    "revoke_sessions",
    "set_password",
    "settle_pairs",
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
    "suspend_user",
    "touch_session",
    "update_profile",
    "verify_registration",
]
