"""Store a batch of drafts statement by statement, on any database.

On PostgreSQL `storing_at_once` does the same in one statement; the tests hold the two together.
"""

from collections.abc import Mapping
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from chat.actions.appending import append, mentioned_in
from chat.actions.drafts import Busy, Draft, Result, Sent, bad_reply, repeat
from chat.errors import NoSuchConversation, ReadOnly
from chat.models import Conversation, Membership, Message
from pneumatic.lib.errors import ProblemError


@transaction.atomic
def store(drafts: Mapping[int, Draft], *, wait: bool) -> Mapping[int, Result]:
    """What became of each; no two have the same id."""
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
            results[place] = repeat(known_one, draft, is_member=is_member)
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
            fingerprint=draft.fingerprint,
        )
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
        raise bad_reply()
    return conversation
