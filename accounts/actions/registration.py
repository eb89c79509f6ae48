"""Joining: at once, or after a link that went by e-mail was opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import make_password, verify_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import links, mail, names, queries
from accounts.actions.audit import record
from accounts.actions.identity import ACCOUNT_DELAY
from accounts.actions.invitations import find_invitation, use_invitation
from accounts.actions.passwords import problems_with_password
from accounts.actions.sessions import open_session
from accounts.errors import (
    InvitationRefused,
    RegistrationClosed,
    SecondFactorSetupRequired,
    TooManyFailures,
)
from accounts.models import AuditKind, Invitation, PendingRegistration, Session, User
from pneumatic.lib.errors import Invalid

_TAKEN: Final = {"username": "This username is taken.", "email": "This e-mail address is taken."}
_DEAD_LINK: Final = "This link is no longer good; register again."


def register(
    *,
    username: str,
    email: str,
    password: str,
    display_name: str = "",
    invitation: str = "",
    device: str = "",
    user_agent: str = "",
    address: str | None = None,
) -> Session | None:
    """A new user, signed in on this device; or None: a link is on its way to the address.

    With EMAIL_VERIFICATION it is always None, whether or not the address has an account. Raises
    ``Invalid`` with every field that is at fault, ``RegistrationClosed``, ``InvitationRefused``,
    or ``SecondFactorSetupRequired`` for a new user who has to set one up before coming in.
    """
    invited = _let_in(email.strip(), invitation)
    user = _newcomer(username, email, password, display_name, tell=_tellable())
    if settings.EMAIL_VERIFICATION:
        _ask_to_verify(user, invited)
        return None
    with _telling_what_is_taken(user), transaction.atomic():
        user.save(force_insert=True)
        if invited is not None:
            use_invitation(invited, user=user)
        record(kind=AuditKind.REGISTERED, user=user, address=address)
        session = open_session(user=user, device=device, user_agent=user_agent, address=address)
    if user.lacks_second_factor:
        raise SecondFactorSetupRequired
    return session


def register_user(*, username: str, email: str, password: str, display_name: str = "") -> User:
    """A new user, on the word of whoever runs this; an empty ``display_name`` is the username.

    Raises ``Invalid`` with every field that is at fault.
    """
    user = _newcomer(username, email, password, display_name, tell={"username", "email"})
    with _telling_what_is_taken(user), transaction.atomic():
        user.save(force_insert=True)
        record(kind=AuditKind.REGISTERED, user=user, address=None)
    return user


def verify_registration(
    *,
    token: str,
    password: str,
    username: str = "",
    device: str = "",
    user_agent: str = "",
    address: str | None = None,
) -> Session:
    """The new user, signed in: whoever opened the link and knows the password that was chosen.

    The link alone is not enough: somebody may have registered with another's address, and would
    know the password of what that other confirms. ``username`` replaces one that was taken
    meanwhile. Who may join is asked again: a door that an operator has closed since then is closed.
    Raises ``Invalid`` with ``token``, ``password`` or ``username`` among its fields, and for the
    latter what ``register`` raises.
    """
    pending = _pending(token)
    _require_welcome(pending.email, pending.invitation, field="token")
    wait = ACCOUNT_DELAY.begin(f"pending:{pending.pk}")
    if wait:
        raise TooManyFailures(retry_after=wait)
    if not verify_password(password, pending.password)[0]:
        raise Invalid(fields={"password": ["That is not the password that you chose."]})
    user = User(
        username=username or pending.username,
        email=pending.email,
        display_name=pending.display_name,
        password=pending.password,
    )
    if problems := _problems_with_names(user):
        raise Invalid(fields=problems)
    with _telling_what_is_taken(user, email_as="token"), transaction.atomic():
        user.save(force_insert=True)
        # Of two who open the link at once, the one that finds nothing here takes its user back.
        same = PendingRegistration.objects.filter(email__iexact=pending.email)
        if not PendingRegistration.objects.filter(pk=pending.pk).delete()[0]:
            raise Invalid(fields={"token": [_DEAD_LINK]})
        same.delete()
        if pending.invitation is not None:
            use_invitation(pending.invitation, user=user)
        record(kind=AuditKind.REGISTERED, user=user, address=address)
        session = open_session(user=user, device=device, user_agent=user_agent, address=address)
    if user.lacks_second_factor:
        raise SecondFactorSetupRequired
    return session


def _let_in(email: str, code: str) -> Invitation | None:
    """The invitation that counts, or None where none is needed; raises where one may not join."""
    invited = None
    if code and settings.REGISTRATION in {"invitation", "domain"}:
        invited = find_invitation(code=code, email=email)
        if invited is None:
            raise InvitationRefused
    _require_welcome(email, invited)
    return invited


def _require_welcome(email: str, invited: Invitation | None, *, field: str = "email") -> None:
    """Raise where nobody, or not this one, may join at present; ``field`` brought the address."""
    mode = settings.REGISTRATION
    if mode == "closed":
        raise RegistrationClosed
    if mode == "open" or invited is not None:
        return
    if mode == "invitation":
        raise InvitationRefused
    domain = email.rpartition("@")[2].lower()
    if domain not in {each.lower() for each in settings.REGISTRATION_DOMAINS}:
        names_ = ", ".join(settings.REGISTRATION_DOMAINS)
        raise Invalid(fields={field: [f"Use an address of: {names_}."]})


def _tellable() -> set[str]:
    """What may be told to be taken: usernames are public, addresses only where nobody can ask."""
    return {"username"} if settings.EMAIL_VERIFICATION else {"username", "email"}


def _newcomer(
    username: str, email: str, password: str, display_name: str, *, tell: set[str]
) -> User:
    """A user to save, with the password hashed: no lock is held while the processor works."""
    user = User(
        username=username,
        email=User.objects.normalize_email(email.strip()),
        display_name=display_name,
    )
    problems = _problems_with_names(user, tell=tell)
    weaknesses = problems_with_password(password, user=user)
    if weaknesses:
        problems["password"] = weaknesses
    if problems:
        raise Invalid(fields=problems)
    user.password = make_password(password)
    return user


def _problems_with_names(user: User, *, tell: set[str] | None = None) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    try:
        user.full_clean(exclude={"password"}, validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        problems.update(error.message_dict)
    if names.is_reserved(user.username):
        problems.setdefault("username", ["This username is reserved; choose another one."])
    _refuse_taken(user, problems, {"username"} if tell is None else tell)
    return problems


@contextmanager
def _telling_what_is_taken(user: User, *, email_as: str = "email") -> Iterator[None]:
    """Around the saving of ``user``: someone else may be faster by the time of one hash."""
    try:
        yield
    except IntegrityError:
        problems: dict[str, list[str]] = {}
        _refuse_taken(user, problems, {"username", "email"})
        if not problems:
            raise
        if email_as == "token" and "email" in problems:
            problems = {**problems, "token": [_DEAD_LINK]}
            del problems["email"]
        raise Invalid(fields=problems) from None


def _refuse_taken(user: User, problems: dict[str, list[str]], tell: set[str]) -> None:
    """Add what is taken to ``problems``, where the field is well-formed."""
    if "\0" in user.username + user.email:
        return  # refused already, and nothing that PostgreSQL would look up
    for field in queries.taken_fields(username=user.username, email=user.email) & tell:
        problems.setdefault(field, [_TAKEN[field]])


def _ask_to_verify(user: User, invited: Invitation | None) -> None:
    """Write to the address: a link, or to its owner that there is an account.

    The row is written in both cases, so that both take the same time; its link is mailed in one.
    """
    now = timezone.now()
    owner = queries.user_by_login(user.email)
    with transaction.atomic():
        PendingRegistration.objects.filter(expires_at__lte=now).delete()
        pending = PendingRegistration.objects.create(
            username=user.username,
            email=user.email,
            display_name=user.display_name,
            password=user.password,
            invitation=invited,
            created_at=now,
            expires_at=now + timedelta(seconds=links.VERIFY_WITHIN),
        )
        link = links.page("/verify", links.verify_token(pending))
        if owner is None:
            person = {"name": user.display_name, "username": user.username, "link": link}
            mail.send_on_commit("verify", user.email, person)
        else:
            person = {"name": owner.get_full_name(), "username": owner.username}
            mail.send_on_commit("account-exists", owner.email, person, decoy=not owner.is_active)


def _pending(token: str) -> PendingRegistration:
    pending_id = links.pending_of_verify_token(token)
    pending = (
        PendingRegistration.objects.select_related("invitation")
        .filter(pk=pending_id, expires_at__gt=timezone.now())
        .first()
        if pending_id
        else None
    )
    if pending is None:
        raise Invalid(fields={"token": [_DEAD_LINK]})
    return pending
