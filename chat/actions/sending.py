"""Send messages: one, or all that wait at the moment in one transaction."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User
from chat.actions import inputs
from chat.actions.appending import append, mentioned_in
from chat.errors import BadField, IdTaken, NoSuchConversation, ReadOnly
from chat.models import Conversation, Membership, Message
from pneumatic.lib.errors import ProblemError, Unavailable


class Draft(NamedTuple):
    """What somebody wants to send, under the id that their device gave it."""

    sender: User
    conversation_id: UUID
    id: UUID
    body: str
    reply_to: UUID | None = None


class Sent(NamedTuple):
    """A stored message; `duplicate` when it was there before and nothing was done."""

    message: Message
    duplicate: bool


class Busy(NamedTuple):
    """The conversation's row is locked by somebody else; nothing was done."""


Result = Sent | ProblemError | Busy


def send_message(
    *, sender: User, conversation_id: UUID, id: UUID, body: str, reply_to: UUID | None = None
) -> Sent:
    """Store a message under the id that its sender's device gave it, once.

    The same call again, at any time and from anywhere, returns the first one's row and announces
    nothing. Raises `IdTaken` where the id names anything else, `NoSuchConversation`, `ReadOnly`,
    and `BadField` for a body or reply that can't be.
    """
    (result,) = send_messages(drafts=[Draft(sender, conversation_id, id, body, reply_to)])
    if isinstance(result, Sent):
        return result
    raise result if isinstance(result, ProblemError) else Unavailable


def send_messages(*, drafts: Sequence[Draft], wait: bool = True) -> list[Result]:
    """Store these messages in one transaction; what became of each, in their order.

    A message that is refused costs its neighbours nothing. Without `wait`, neither does one whose
    conversation is locked: it is `Busy` (where the database can tell; SQLite locks as a whole).
    Raises only what fails them all.
    """
    results: dict[int, Result] = {}
    checked: dict[int, Draft] = {}
    for place, draft in enumerate(drafts):
        try:
            checked[place] = _checked(draft)
        except ProblemError as problem:
            results[place] = problem
    if checked:
        results.update(_send(checked, wait=wait))
    return [results[place] for place in range(len(drafts))]


def _checked(draft: Draft) -> Draft:
    if draft.id.version not in {4, 7}:
        raise BadField("id", "must be a random UUID (version 4 or 7)")
    return draft._replace(body=inputs.body(draft.body))


def _send(drafts: Mapping[int, Draft], *, wait: bool) -> Mapping[int, Result]:
    try:
        with transaction.atomic():
            return _store(drafts, wait=wait)
    except IntegrityError:
        # One id at the same moment into two conversations: their rows are locked apart, so only
        # the primary key could tell. Whoever shares the transaction with it goes alone.
        if len(drafts) > 1:
            return {
                place: _send({place: draft}, wait=wait)[place] for place, draft in drafts.items()
            }
        ((place, draft),) = drafts.items()
        if Message.objects.filter(id=draft.id).exists():
            return {place: IdTaken()}
        raise


def _store(drafts: Mapping[int, Draft], *, wait: bool) -> Mapping[int, Result]:
    wanted = {draft.conversation_id for draft in drafts.values()}
    skip = not wait and connection.features.has_select_for_update_skip_locked
    # In the order of their ids: two processes that lock several never wait for each other.
    rows = Conversation.objects.select_for_update(skip_locked=skip).order_by("id")
    conversations = {each.id: each for each in rows.filter(id__in=wanted)}
    # All else is asked only now, with the rows locked. Asked earlier, two racing repeats would
    # both see nothing, and who is removed meanwhile could still write.
    members = set(
        Membership.objects.filter(
            conversation__in=wanted,
            user__in={draft.sender.id for draft in drafts.values()},
            left_at=None,
        ).values_list("conversation_id", "user_id")
    )
    known = Message.objects.in_bulk([draft.id for draft in drafts.values()])
    replies = {draft.reply_to for draft in drafts.values() if draft.reply_to is not None}
    replied = dict(
        Message.objects.filter(id__in=replies).values_list("id", "conversation_id")
        if replies
        else ()
    )
    mentioned = mentioned_in((draft.conversation_id, draft.body) for draft in drafts.values())
    results: dict[int, Result] = {}
    fresh: list[Message] = []
    for place, draft in drafts.items():
        is_member = (draft.conversation_id, draft.sender.id) in members
        if is_member and draft.conversation_id not in conversations:
            results[place] = Busy()
            continue
        if known_one := known.get(draft.id):
            results[place] = _repeat(known_one, draft, is_member=is_member)
            continue
        try:
            conversation = _may_send(draft, conversations, members, replied)
        except ProblemError as problem:
            results[place] = problem
            continue
        message = Message(
            id=draft.id,
            conversation=conversation,
            sender=draft.sender,
            kind=Message.Kind.TEXT,
            body=draft.body,
            reply_to_id=draft.reply_to,
            mentioned=mentioned[draft.conversation_id, draft.body],
            fingerprint=_fingerprint(draft),
        )
        known[draft.id] = message
        fresh.append(message)
        results[place] = Sent(message, duplicate=False)
    if fresh:
        append(fresh, now=timezone.now())
    return results


def _may_send(
    draft: Draft,
    conversations: Mapping[UUID, Conversation],
    members: set[tuple[UUID, UUID]],
    replied: Mapping[UUID, UUID],
) -> Conversation:
    if (draft.conversation_id, draft.sender.id) not in members:
        raise NoSuchConversation
    conversation = conversations[draft.conversation_id]
    if conversation.archived_at is not None:
        raise ReadOnly
    if draft.reply_to is not None and replied.get(draft.reply_to) != conversation.id:
        raise BadField("reply_to", "names no message of this conversation")
    return conversation


def _repeat(known: Message, draft: Draft, *, is_member: bool) -> Sent | ProblemError:
    """Who has left meanwhile still learns that the message had arrived; strangers learn nothing."""
    same = (
        known.sender_id == draft.sender.id
        and known.conversation_id == draft.conversation_id
        and bytes(known.fingerprint) == _fingerprint(draft)
    )
    if same:
        return Sent(known, duplicate=True)
    return IdTaken() if is_member else NoSuchConversation()


def _fingerprint(draft: Draft) -> bytes:
    return Message.fingerprint_of(draft.id, draft.body, draft.reply_to)
