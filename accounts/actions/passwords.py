"""Choosing and changing passwords."""

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import links, mail, queries
from accounts.actions.audit import record
from accounts.actions.identity import forget_failures, require_password
from accounts.actions.sessions import end_sessions
from accounts.models import AuditKind, RevokedReason, Session, User
from accounts.passwordrules import WritableValidator
from pneumatic.lib.errors import Conflict, Forbidden, Invalid


def problems_with_password(password: str, *, user: User) -> list[str]:
    """Why ``user`` (saved or not) can't have this password, in sentences; empty when they can."""
    try:
        # First alone: the others take longer, the longer it is.
        WritableValidator().validate(password)
        validate_password(password, user=user)
    except ValidationError as error:
        return list(error.messages)
    return []


def change_password(
    *, user: User, old: str, new: str, keep: Session | None = None, address: str | None = None
) -> None:
    """Replace the password after proof of the old one; all sessions but ``keep`` end.

    Raises ``Invalid`` with ``old_password`` or ``new_password`` among its fields.
    """
    known = user.password
    require_password(user=user, password=old, field="old_password", address=address)
    problems = problems_with_password(new, user=user)
    if problems:
        raise Invalid(fields={"new_password": problems})
    _store(
        user,
        make_password(new),
        keep=keep,
        known=known,
        kind=AuditKind.PASSWORD_CHANGED,
        address=address,
    )


def request_password_reset(*, email: str) -> None:
    """Mail a link to the address, if it has an account; nothing tells whether it has.

    Raises ``Forbidden`` where e-mail is off.
    """
    if not mail.is_on():
        raise Forbidden("This server sends no e-mail; ask the people who run it.")
    found = queries.user_by_login(email) if "@" in email else None
    decoy = found is None or not found.is_active
    # The same work for an address that nobody has: a link, an e-mail, and nowhere to send it.
    user = found or User(username="nobody", email=email, password=UNUSABLE_PASSWORD_PREFIX)
    person = {"name": user.get_full_name(), "username": user.username}
    link = links.page("/reset", links.reset_token(user))
    mail.send_on_commit("reset", user.email, {**person, "link": link}, decoy=decoy)


def reset_password(*, token: str, new: str, address: str | None = None) -> User:
    """Replace the password on the word of the mailbox; all sessions end, nobody is signed in.

    A second factor stays. Raises ``Invalid`` with ``token`` or ``new_password`` among its fields.
    """
    user = links.user_of_reset_token(token)
    if user is None:
        raise Invalid(fields={"token": ["This link is no longer good; ask for a new one."]})
    problems = problems_with_password(new, user=user)
    if problems:
        raise Invalid(fields={"new_password": problems})
    _store(
        user,
        make_password(new),
        keep=None,
        known=user.password,
        kind=AuditKind.PASSWORD_RESET,
        address=address,
    )
    forget_failures(user)
    return user


def set_password(
    *,
    user: User,
    new: str,
    keep: Session | None = None,
    actor: User | None = None,
    address: str | None = None,
) -> None:
    """Replace the password on someone else's word (``actor``'s); all sessions but ``keep`` end."""
    _store(
        user,
        make_password(new),
        keep=keep,
        known=None,
        kind=AuditKind.PASSWORD_CHANGED,
        actor=actor,
        address=address,
    )


def _store(
    user: User,
    encoded: str,
    *,
    keep: Session | None,
    known: str | None,
    kind: AuditKind,
    actor: User | None = None,
    address: str | None,
) -> None:
    # Hashed before, stored here: a lock is not held while the processor works.
    with transaction.atomic():
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if known is not None and locked.password != known:
            raise Conflict("The password was changed a moment ago, from another place.")
        locked.password = encoded
        locked.save(update_fields=["password"])
        sessions = Session.objects.filter(user=user)
        if keep is not None:
            sessions = sessions.exclude(pk=keep.pk)
        end_sessions(sessions, reason=RevokedReason.PASSWORD_CHANGED)
        # By whomever: a password that the staff set unasked is what its owner most wants to know.
        person = {"name": locked.get_full_name(), "username": locked.username}
        mail.send_on_commit("password-changed", locked.email, person)
        record(kind=kind, user=locked, actor=actor, address=address)
    user.password = encoded
