"""Joining, one's profile, suspension."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import names, queries
from accounts.actions.audit import record
from accounts.actions.passwords import problems_with_password
from accounts.actions.sessions import end_sessions, open_session, sign_out_everywhere
from accounts.models import AuditKind, RevokedReason, Session, User
from pneumatic.lib.errors import Invalid

_TAKEN = {"username": "This username is taken.", "email": "This e-mail address is taken."}


def register(
    *,
    username: str,
    email: str,
    password: str,
    display_name: str = "",
    device: str = "",
    user_agent: str = "",
    address: str | None = None,
) -> Session:
    """A new user, signed in on this device: both, or neither.

    Raises ``Invalid`` with every field that is at fault.
    """
    user = _newcomer(username, email, password, display_name)
    with _telling_what_is_taken(user), transaction.atomic():
        user.save(force_insert=True)
        return open_session(user=user, device=device, user_agent=user_agent, address=address)


def register_user(*, username: str, email: str, password: str, display_name: str = "") -> User:
    """A new user; an empty ``display_name`` becomes the username.

    Raises ``Invalid`` with every field that is at fault.
    """
    user = _newcomer(username, email, password, display_name)
    with _telling_what_is_taken(user), transaction.atomic():
        user.save(force_insert=True)
    return user


def _newcomer(username: str, email: str, password: str, display_name: str) -> User:
    """A user to save, with the password hashed: no lock is held while the processor works."""
    user = User(
        username=username,
        email=User.objects.normalize_email(email.strip()),
        display_name=display_name,
    )
    problems: dict[str, list[str]] = {}
    try:
        user.full_clean(exclude={"password"}, validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        problems.update(error.message_dict)
    weaknesses = problems_with_password(password, user=user)
    if weaknesses:
        problems["password"] = weaknesses
    _refuse_taken(user, problems)
    if problems:
        raise Invalid(fields=problems)
    user.password = make_password(password)
    return user


@contextmanager
def _telling_what_is_taken(user: User) -> Iterator[None]:
    """Around the saving of ``user``: someone else may be faster by the time of one hash."""
    try:
        yield
    except IntegrityError:
        problems: dict[str, list[str]] = {}
        _refuse_taken(user, problems)
        if not problems:
            raise
        raise Invalid(fields=problems) from None


def _refuse_taken(user: User, problems: dict[str, list[str]]) -> None:
    """Add what is taken to ``problems``, where the field is well-formed."""
    if "\0" in user.username + user.email:
        return  # refused already, and nothing that PostgreSQL would look up
    for field in queries.taken_fields(username=user.username, email=user.email):
        problems.setdefault(field, [_TAKEN[field]])


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
        record(
            kind=AuditKind.POWERS_CHANGED,
            user=user,
            actor=actor,
            address=address,
            detail={"changed": ", ".join(powers)},
        )
        if user != actor:
            sign_out_everywhere(user=user, actor=actor, address=address)
