"""What texts and lists of people must be, whichever door they came through."""

from collections.abc import Sequence
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Count

from accounts import names
from accounts.models import User
from chat import limits
from chat.errors import BadField
from chat.models import Membership


def body(text: str) -> str:
    """A message's body as it is kept: not empty, not too long, storable everywhere."""
    _storable("body", text)
    kept = text.replace("\r\n", "\n").strip("\n\r\t ")
    if not kept:
        raise BadField("body", "must not be empty")
    if not names.can_be_seen(kept):
        raise BadField("body", "must hold something that can be seen")
    if len(kept) > limits.BODY_CHARS:
        raise BadField("body", f"has {len(kept)} characters; at most {limits.BODY_CHARS} fit")
    return kept


def title(text: str) -> str:
    """A group's name: one line, trimmed, without invisible characters."""
    kept = _one_line("title", text, limits.TITLE_CHARS)
    if not kept:
        raise BadField("title", "must not be empty")
    return kept


def topic(text: str) -> str:
    """A group's topic: like a title, but it may be empty."""
    return _one_line("topic", text, limits.TOPIC_CHARS)


def people(ids: Sequence[UUID], *, field: str) -> list[User]:
    """The active people with these ids, in the order given, each once.

    Raises `BadField` that names the first one that is not there.
    """
    if len(ids) > limits.MEMBERS_AT_ONCE:
        raise BadField(field, f"names {len(ids)} people; at most {limits.MEMBERS_AT_ONCE} at once")
    found = {user.id: user for user in User.objects.filter(id__in=ids, is_active=True)}
    for user_id in ids:
        if user_id not in found:
            raise BadField(field, f"there is no person {user_id}")
    return [found[user_id] for user_id in dict.fromkeys(ids)]


def hold_names(people: Sequence[User]) -> None:
    """Let nobody's name change until the end of the transaction, and read what it is now.

    For those who come: a rename that doesn't see their new membership yet would not tell it there.
    """
    ids = [user.id for user in people]
    # In one order, so that two who hold the same people don't wait for each other for ever.
    rows = User.objects.select_for_update(no_key=True).filter(id__in=ids).order_by("id")
    now = {row.id: row.display_name for row in rows}
    for user in people:
        user.display_name = now.get(user.id, user.display_name)


def room_for_one_more(people: Sequence[User], *, field: str) -> None:
    """Nobody can be in more conversations than their devices can name. Raises `BadField`."""
    full = (
        Membership.objects.filter(user__in=people, left_at=None)
        .values("user")
        .annotate(count=Count("*"))
        .filter(count__gte=limits.CONVERSATIONS)
        .values_list("user", flat=True)
    )
    for user_id in full[:1]:
        raise BadField(
            field,
            f"{user_id} is in {limits.CONVERSATIONS} conversations already, which is the most",
        )


def _one_line(field: str, text: str, most: int) -> str:
    _storable(field, text)
    try:
        return names.clean_line(text, most=most)
    except ValidationError as error:
        raise BadField(field, error.messages[0]) from None


def _storable(field: str, text: str) -> None:
    if "\x00" in text:
        raise BadField(field, "must not hold the character U+0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadField(field, "must not hold half of a surrogate pair") from None
