"""Proving who one is: the one place where a password and a code open a door, whichever door."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from django.contrib.auth.hashers import (
    UNUSABLE_PASSWORD_PREFIX,
    get_hasher,
    make_password,
    verify_password,
)
from django.db import transaction
from django.utils import timezone

from accounts import knowndevices, queries, totp
from accounts.actions.audit import record
from accounts.actions.failures import Origin, note_failure
from accounts.errors import (
    SecondFactorRequired,
    SecondFactorSetupRequired,
    TooManyFailures,
    WrongCredentials,
)
from accounts.models import AuditKind, RecoveryCode, SecondFactor, User
from accounts.passwordrules import PASSWORD_MAX
from pneumatic.lib.errors import Invalid, Unavailable
from pneumatic.lib.shared.delays import GrowingDelay
from pneumatic.lib.shared.ratelimit import address_key

log = structlog.get_logger(__name__)

#: Of one login as it was typed, from wherever: five failures cost nothing, the sixth a second, the
#: sixteenth a quarter of an hour. So guessing from all the world is about 100 tries a day, and at
#: one account, which has a name and an address, twice as many.
ACCOUNT_DELAY: Final = GrowingDelay("account", free=5, forgets=30 * 60)
#: Of one browser that its owner has signed in from: strangers don't add to this one.
DEVICE_DELAY: Final = GrowingDelay("device", free=5, forgets=30 * 60)
#: Of one address (one /64 of IPv6), over all accounts; an office behind one address has slips.
ADDRESS_DELAY: Final = GrowingDelay("address", free=20, forgets=3 * 60)
#: Of someone who is signed in and is asked for the password again.
INSIDE_DELAY: Final = GrowingDelay("inside", free=5, forgets=30 * 60)

WRONG_CODE: Final = "That code is wrong or was used already; wait for the next one."


@contextmanager
def proven(
    *, login: str, password: str, code: str = "", origin: Origin, setup: bool = False
) -> Iterator[User]:
    """Whoever has this login, password and, where they use one, code; in a transaction, locked.

    With ``setup``: someone who may not sign in before they have a second factor, and nobody else.
    Raises ``WrongCredentials`` for unknown, wrong and suspended alike after the same work,
    ``TooManyFailures``, ``SecondFactorRequired`` or ``SecondFactorSetupRequired``.
    """
    if len(password) > PASSWORD_MAX:
        raise WrongCredentials  # nobody has one like that, so nothing is told; and nothing hashed
    user = queries.user_by_login(login)
    brake, key = _brake(user, login, origin)
    place = address_key(origin.address or "")
    # A browser that the owner signed in from has its own brake alone: an attacker behind the same
    # address, in the same office, doesn't keep the owner out.
    elsewhere = ADDRESS_DELAY.wait(place) if brake is ACCOUNT_DELAY else 0.0
    wait = elsewhere or brake.begin(key)
    typed = _account_key(login)
    if wait:
        note_failure(key=typed, user=user, origin=origin, because="waiting")
        raise TooManyFailures(retry_after=wait)
    try:
        known, renewed = _checked_password(user, password, brake, key, place)
    except WrongCredentials:
        note_failure(key=typed, user=user, origin=origin, because="password")
        raise
    try:
        with transaction.atomic():
            # Hashing took its time, outside the lock: the password that was right may have been
            # changed, and all sessions ended, in between.
            locked = User.objects.select_for_update(no_key=True).filter(pk=known.pk).first()
            if locked is None or locked.password != known.password or not locked.is_active:
                raise WrongCredentials
            _check_second_factor(locked, code, setup=setup, address=origin.address)
            locked.password, locked.last_login = renewed, timezone.now()
            locked.save(update_fields=["password", "last_login"])
            yield locked
    except SecondFactorRequired as error:
        if error.fields:
            ADDRESS_DELAY.fail(place)  # a guess at the code
            note_failure(key=typed, user=user, origin=origin, because="code")
        else:
            brake.forgive(key)
        raise
    except BaseException:
        brake.forgive(key)
        raise
    brake.forget(key)


def admit(*, login: str, password: str, code: str, origin: Origin) -> User:
    """Someone for whom a session of Django's own shall stand; raises what ``proven`` raises.

    At the administration's door whoever is no staff is refused as if the password were wrong.
    """
    with proven(login=login, password=password, code=code, origin=origin) as user:
        comes_in = user.is_staff or origin.door != "admin"
    if not comes_in:
        typed = _account_key(login)
        note_failure(key=typed, user=user, origin=origin, because="not staff")
        raise WrongCredentials
    return user


def forget_failures(user: User) -> None:
    """Someone proved otherwise that the account is theirs: the guesses of others don't count."""
    for login in (user.username, user.email):
        ACCOUNT_DELAY.forget(_account_key(login))


def _brake(user: User | None, login: str, origin: Origin) -> tuple[GrowingDelay, str]:
    """Which failures count against this attempt."""
    if user is not None:
        device = knowndevices.known_device(
            origin.device_cookie, user_id=user.pk, password=user.password
        )
        if device is not None:
            return DEVICE_DELAY, f"{user.pk}:{device}"
    return ACCOUNT_DELAY, _account_key(login)


def _account_key(login: str) -> str:
    """By what was typed, whether or not somebody has that name.

    One key for an account's name and its address would tell which belong together, and names that
    nobody has would be told by not being slowed.
    """
    name = login.strip().lower().encode("utf-8", "surrogatepass")
    return f"name:{hashlib.sha256(name).hexdigest()[:32]}"


def _checked_password(
    user: User | None, password: str, brake: GrowingDelay, key: str, place: str
) -> tuple[User, str]:
    """The user, and the hash to store: the same one, or a new one if its parameters are old."""
    # An unusable hash makes Django hash all the same.
    encoded = user.password if user else UNUSABLE_PASSWORD_PREFIX
    try:
        correct, outdated = verify_password(password, encoded)
        if correct and user is not None and user.is_active:
            return user, make_password(password) if outdated else encoded
        if correct and outdated:
            # Of a suspended account. As Django does where the password is wrong.
            get_hasher().harden_runtime(password, encoded)
    except Unavailable:
        brake.forgive(key)
        raise
    ADDRESS_DELAY.fail(place)
    raise WrongCredentials


def _check_second_factor(user: User, code: str, *, setup: bool, address: str | None) -> None:
    if setup:
        if not user.lacks_second_factor:
            raise WrongCredentials  # who has one signs in; who needs none adds one when inside
    elif user.second_factor_at is not None:
        if not code:
            raise SecondFactorRequired
        if not spend_code(user=user, code=code, address=address):
            raise SecondFactorRequired(fields={"code": [WRONG_CODE]})
    elif user.lacks_second_factor:
        raise SecondFactorSetupRequired


def spend_code(*, user: User, code: str, address: str | None = None) -> bool:
    """Use up a code of the user's authenticator, or a recovery code; false: it is none, or used.

    Of several at once with the same code, one succeeds.
    """
    text = totp.cleaned(code)
    if not totp.is_one_time(text):
        unused = RecoveryCode.objects.filter(
            user=user, digest=totp.digest(text), used_at__isnull=True
        )
        with transaction.atomic():
            spent = unused.update(used_at=timezone.now()) == 1
            if spent:
                record(kind=AuditKind.RECOVERY_CODE_USED, user=user, address=address)
        return spent
    factor = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()
    return factor is not None and spend_step(factor, text)


def spend_step(factor: SecondFactor, code: str) -> bool:
    """Use up the time step of a code of six digits, and those before it."""
    try:
        secret = totp.decrypted(factor.secret)
    except totp.SecretLost:
        # The recovery codes are still good; and the staff can take the second factor away.
        log.error("second_factor_unreadable", account=str(factor.pk))
        return False
    step = totp.step_of(secret, code, now=time.time())
    if step is None:
        return False
    newer = SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step)
    return newer.update(last_step=step) == 1


def require_password(
    *, user: User, password: str, field: str = "password", address: str | None = None
) -> None:
    """Raise ``Invalid`` with ``field`` unless this is the password of someone who is signed in."""
    key = str(user.pk)
    wait = INSIDE_DELAY.begin(key)
    if wait:
        _note_inside(user, address, "waiting")
        raise TooManyFailures(retry_after=wait)
    try:
        correct, _ = (
            verify_password(password, user.password)
            if len(password) <= PASSWORD_MAX
            else (False, False)
        )
    except Unavailable:
        INSIDE_DELAY.forgive(key)
        raise
    if not correct:
        _note_inside(user, address, "password")
        raise Invalid(fields={field: ["That is not your present password."]})
    INSIDE_DELAY.forget(key)


def require_code(*, user: User, code: str, address: str | None = None) -> None:
    """Use up a code of someone who is signed in; raises ``Invalid`` with ``code`` in its fields."""
    # A key of its own: the right password, asked for just before, would forget the guesses.
    key = f"code:{user.pk}"
    wait = INSIDE_DELAY.begin(key)
    if wait:
        _note_inside(user, address, "waiting")
        raise TooManyFailures(retry_after=wait)
    if not spend_code(user=user, code=code, address=address):
        _note_inside(user, address, "code")
        raise Invalid(fields={"code": [WRONG_CODE]})
    INSIDE_DELAY.forget(key)


def _note_inside(user: User, address: str | None, because: str) -> None:
    origin = Origin(address=address, door="inside")
    note_failure(key=f"inside:{user.pk}", user=user, origin=origin, because=because)
