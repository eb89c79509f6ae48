"""Signing in with a provider of identities."""

import re
import secrets
import unicodedata
import uuid
from collections.abc import Iterator
from typing import Final

import structlog
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import names, queries
from accounts.actions.audit import record
from accounts.actions.failures import Origin, note_failure
from accounts.actions.sessions import end_sessions, open_session
from accounts.errors import SignOnFailed
from accounts.models import (
    AuditKind,
    Identity,
    RevokedReason,
    Session,
    User,
)
from accounts.oidc import Person

log = structlog.get_logger(__name__)

#: How often a first sign-in is begun anew because somebody else took the name, or the same person
#: came in by another tab.
ATTEMPTS: Final = 4
#: How many numbers are tried behind a username that is taken, before chance chooses.
NUMBERS: Final = 8


def sign_in_with_identity(
    *, person: Person, may_register: bool, user_agent: str = "", address: str | None = None
) -> Session:
    """A new session for whom the provider has signed in.

    Who was here before is found by the identity alone. Who comes for the first time joins the
    account with the same e-mail address, or gets a new one if ``may_register``; both only with an
    address that the provider says is verified. Raises ``SignOnFailed``.
    """

    def attempt() -> Session:
        with transaction.atomic():
            user = _user_of(person) or _first_time(
                person, may_register=may_register, address=address
            )
            if user.second_factor_at is not None or user.lacks_second_factor:
                # Not skipped by another door: what the provider asked for, nobody here knows.
                raise SignOnFailed("second_factor", "the account needs a second factor of ours")
            return open_session(user=user, user_agent=user_agent, address=address)

    try:
        for _ in range(ATTEMPTS - 1):
            try:
                return attempt()
            except IntegrityError:
                # The other one is there now, and is seen.
                continue
        return attempt()
    except SignOnFailed as error:
        _note_refused(person, error, address)
        raise


def unlink_identity(
    *, identity: Identity, actor: User | None = None, address: str | None = None
) -> None:
    """Let the provider's account sign in nobody until it joins anew; sessions go on."""
    with transaction.atomic():
        user = identity.user
        identity.delete()
        record(kind=AuditKind.IDENTITY_UNLINKED, user=user, actor=actor, address=address)


def _note_refused(person: Person, error: SignOnFailed, address: str | None) -> None:
    """In the audit trail, where somebody here came; the log tells of all.

    Not whose address was only claimed: how long that takes would tell who has an account.
    """
    identity = Identity.objects.filter(issuer=person.issuer, subject=person.subject).first()
    user = identity.user if identity else None
    if user is None and person.email_verified:
        user = queries.user_by_login(person.email)
    if user is not None:
        origin = Origin(address=address, door="sign_on")
        note_failure(key=f"sign-on:{user.pk}", user=user, origin=origin, because=error.reason)


def _user_of(person: Person) -> User | None:
    """The user, locked, whom this identity signs in already."""
    identity = Identity.objects.filter(issuer=person.issuer, subject=person.subject).first()
    if identity is None:
        return None
    user = _locked(identity.user_id)
    identity.last_used_at = user.last_login = timezone.now()
    identity.save(update_fields=["last_used_at"])
    user.save(update_fields=["last_login"])
    return user


def _first_time(person: Person, *, may_register: bool, address: str | None) -> User:
    # The same answer whether or not somebody here has the address: else a provider where anyone
    # can write any address into a profile would tell who has an account.
    if not person.email_verified or not _is_address(person.email):
        raise SignOnFailed("unverified", "no verified e-mail address")
    known = queries.user_by_login(person.email)
    if known is not None:
        user, kind = _join(_locked(known.pk)), AuditKind.IDENTITY_JOINED
    elif may_register:
        user, kind = _newcomer(person), AuditKind.REGISTERED
    else:
        raise SignOnFailed("no_account", "registration by single sign-on is off")
    Identity.objects.create(user=user, issuer=person.issuer, subject=person.subject)
    record(kind=kind, user=user, address=address, detail={"issuer": person.issuer})
    return user


def _locked(user_id: uuid.UUID) -> User:
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if not user.is_active:
        raise SignOnFailed("suspended", "the account is suspended")
    return user


def _join(user: User) -> User:
    """Hand the account over to the owner of its e-mail address.

    Whoever registered it proved nothing about that address: it may be a trap, set by somebody who
    waits with the password, or in a session, for the owner to come. So both end here. Accounts of
    the staff were made or chosen by an operator, and need their password for the admin. Where there
    is a second factor, nobody joins: else the provider's word alone would take it away.
    """
    if user.second_factor_at is not None:
        raise SignOnFailed("second_factor", "the account to join has a second factor of ours")
    user.last_login = timezone.now()
    fields = ["last_login"]
    if not user.is_staff:
        user.password = make_password(None)
        fields.append("password")
        user.renew_session_stamp()
        end_sessions(Session.objects.filter(user=user), reason=RevokedReason.PASSWORD_CHANGED)
    user.save(update_fields=fields)
    log.info("identity_joined", account=str(user.pk), staff=user.is_staff)
    return user


def _newcomer(person: Person) -> User:
    user = User(
        username=_free_username(person),
        email=User.objects.normalize_email(person.email),
        display_name=_display_name(person),
        password=make_password(None),
        last_login=timezone.now(),
    )
    user.clean()
    user.save(force_insert=True)
    return user


def _is_address(email: str) -> bool:
    """Whether it is one that is compared here as its provider means it.

    Ours are compared in lower case, and there the Kelvin sign is a k: who has a mailbox of such a
    name at the provider would join somebody else's account. So they are ASCII, domains as well
    (those of other scripts have a form in ASCII, xn--…).
    """
    if not email.isascii():
        return False
    field = User._meta.get_field("email")
    try:
        field.clean(email, None)
    except ValidationError:
        return False
    return True


def _display_name(person: Person) -> str:
    """Their name if it may be shown here, else none: that becomes the username."""
    try:
        return names.clean_display_name(person.display_name[: names.DISPLAY_NAME_MAX])
    except ValidationError:
        return ""


def _free_username(person: Person) -> str:
    return next(
        name
        for name in _usernames(person)
        if not names.is_reserved(name) and not queries.taken_fields(username=name, email="")
    )


def _usernames(person: Person) -> Iterator[str]:
    """Names to try: what the provider calls them, with a number, with something random."""
    # Some providers use an address as the name.
    called = (person.username or person.email).partition("@")[0]
    # “é” is an “e” and its mark, and loses the mark only.
    plain = re.sub(r"[^a-zA-Z0-9._-]", "", unicodedata.normalize("NFKD", called))
    base = plain.strip("._-")[: names.USERNAME_MAX - 9]
    if len(base) < 3:
        base = f"{base}member" if base else "member"
    yield base
    for number in range(2, 2 + NUMBERS):
        yield f"{base}{number}"
    while True:
        yield f"{base}-{secrets.token_hex(4)}"
