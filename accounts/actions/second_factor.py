"""Second factors: adding, proving, replacing and removing them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import mail, totp
from accounts.actions.audit import record
from accounts.actions.failures import Origin
from accounts.actions.identity import (
    WRONG_CODE,
    proven,
    require_code,
    require_password,
    spend_step,
)
from accounts.actions.sessions import end_sessions, open_session
from accounts.errors import SecondFactorRequired
from accounts.models import AuditKind, RecoveryCode, RevokedReason, SecondFactor, Session, User
from pneumatic.lib.errors import Conflict, Invalid

#: How long a secret that was shown waits for its first code.
CONFIRM_WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs; shown once, and good only after the first code."""

    secret: str
    uri: str
    #: A QR code of ``uri``, as an SVG in a ``data:`` address.
    qr: str


def begin_second_factor(*, user: User, password: str, address: str | None = None) -> Enrolment:
    """A new secret for someone who is signed in; an unconfirmed one before it is void.

    Raises ``Invalid`` for a wrong password, ``Conflict`` where a second factor is on already.
    """
    require_password(user=user, password=password, address=address)
    with _locked(user) as locked:
        return _new_secret(locked)


def confirm_second_factor(
    *, user: User, code: str, keep: Session | None = None, address: str | None = None
) -> list[str]:
    """Turn the second factor on with its first code; returns the recovery codes, shown once.

    All sessions but ``keep`` end: they were opened without it. Raises ``Invalid`` or ``Conflict``.
    """
    with _locked(user) as locked:
        codes = _confirm(locked, code)
        _end_others(locked, keep)
        record(kind=AuditKind.TOTP_ENABLED, user=locked, address=address)
    user.second_factor_at = locked.second_factor_at
    return codes


def begin_second_factor_setup(*, username: str, password: str, origin: Origin) -> Enrolment:
    """As ``begin_second_factor``, for someone who is not let in without one."""
    with proven(login=username, password=password, origin=origin, setup=True) as user:
        return _new_secret(user)


def finish_second_factor_setup(
    *,
    username: str,
    password: str,
    code: str,
    origin: Origin,
    device: str = "",
    user_agent: str = "",
) -> tuple[Session, list[str]]:
    """Turn it on, and sign in: a session and the recovery codes.

    Raises what ``sign_in`` raises; a wrong code is a ``SecondFactorRequired`` with ``code`` among
    its fields.
    """
    with proven(login=username, password=password, origin=origin, setup=True) as user:
        try:
            codes = _confirm(user, code)
        except Invalid as error:
            raise SecondFactorRequired(fields=error.fields) from error
        _end_others(user, None)
        record(kind=AuditKind.TOTP_ENABLED, user=user, address=origin.address)
        session = open_session(
            user=user, device=device, user_agent=user_agent, address=origin.address
        )
    return session, codes


def disable_second_factor(
    *,
    user: User,
    password: str,
    code: str,
    keep: Session | None = None,
    address: str | None = None,
) -> None:
    """Turn it off, after proof of both factors; all sessions but ``keep`` end.

    Raises ``Invalid`` with ``password`` or ``code`` among its fields.
    """
    require_password(user=user, password=password, address=address)
    require_code(user=user, code=code, address=address)
    remove_second_factor(user=user, keep=keep, address=address)


def renew_recovery_codes(
    *, user: User, password: str, code: str, address: str | None = None
) -> list[str]:
    """Ten new recovery codes; the old ones are void. Raises as ``disable_second_factor``."""
    require_password(user=user, password=password, address=address)
    require_code(user=user, code=code, address=address)
    with _locked(user) as locked:
        codes = _new_codes(locked)
        record(kind=AuditKind.RECOVERY_CODES_RENEWED, user=locked, address=address)
    return codes


def remove_second_factor(
    *,
    user: User,
    keep: Session | None = None,
    actor: User | None = None,
    address: str | None = None,
) -> None:
    """Take it away, on someone else's word (``actor``'s); all sessions but ``keep`` end."""
    with _locked(user) as locked:
        SecondFactor.objects.filter(user=locked).delete()
        RecoveryCode.objects.filter(user=locked).delete()
        if locked.second_factor_at is not None:
            person = {"name": locked.get_full_name(), "username": locked.username}
            mail.send_on_commit("second-factor-removed", locked.email, person)
        locked.second_factor_at = None
        locked.save(update_fields=["second_factor_at"])
        _end_others(locked, keep)
        record(kind=AuditKind.TOTP_DISABLED, user=locked, actor=actor, address=address)
    user.second_factor_at = None


def renew_secrets() -> tuple[int, list[User]]:
    """Encrypt each secret with the present SECRET_KEY; how many, and whose can't be read any more.

    May be called again at any time, also where it was interrupted.
    """
    count, lost = 0, []
    for factor in SecondFactor.objects.select_related("user").iterator():
        try:
            fresh = totp.renewed(factor.secret)
        except totp.SecretLost:
            lost.append(factor.user)
            continue
        # Only over what was read: somebody may begin anew in this moment.
        same = SecondFactor.objects.filter(pk=factor.pk, secret=factor.secret)
        count += same.update(secret=fresh)
    return count, lost


@contextmanager
def _locked(user: User) -> Iterator[User]:
    with transaction.atomic():
        yield User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _new_secret(user: User) -> Enrolment:
    if user.second_factor_at is not None:
        raise Conflict("The second factor is on already; turn it off first.")
    secret = totp.new_secret()
    SecondFactor.objects.update_or_create(
        user=user,
        defaults={
            "secret": totp.encrypted(secret),
            "created_at": timezone.now(),
            "confirmed_at": None,
            "last_step": 0,
        },
    )
    uri = totp.provisioning_uri(secret, username=user.username)
    return Enrolment(secret=secret, uri=uri, qr=totp.qr_code(uri))


def _confirm(user: User, code: str) -> list[str]:
    if user.second_factor_at is not None:
        raise Conflict("The second factor is on already.")
    now = timezone.now()
    factor = SecondFactor.objects.filter(user=user, created_at__gt=now - CONFIRM_WITHIN).first()
    if factor is None:
        raise Conflict("There is nothing to confirm, or it took too long; begin again.")
    text = totp.cleaned(code)
    if not totp.is_one_time(text) or not spend_step(factor, text):
        raise Invalid(fields={"code": [WRONG_CODE]})
    SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=now)
    user.second_factor_at = now
    user.save(update_fields=["second_factor_at"])
    return _new_codes(user)


def _new_codes(user: User) -> list[str]:
    codes = totp.new_recovery_codes()
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=totp.digest(totp.cleaned(code))) for code in codes
    )
    return codes


def _end_others(user: User, keep: Session | None) -> None:
    sessions = Session.objects.filter(user=user)
    if keep is not None:
        sessions = sessions.exclude(pk=keep.pk)
    end_sessions(sessions, reason=RevokedReason.SECOND_FACTOR_CHANGED)
