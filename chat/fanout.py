"""What actions announce, handed to the channel layer once it is committed.

Every event is encoded once, here; processes forward the text. An envelope's `kind` tells a
process's hub what to do with it:

| kind | to group | the hub |
|---|---|---|
| `event` | conversation or user | hands the text to each socket of the group |
| `state` | conversation or user | the same; slow readers may miss it, or with a `key` the older |
| `presence` | presence | hands the text to the sockets of these conversations |
| `joined` | user | brings the user's sockets into the conversation |
| `ended` | conversation | asks who is a member still, takes the others' sockets out |
| `closed` | conversation | the same for everybody |
| `revoked` | sessions | closes the session's sockets |
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from chat import groups, presenters, protocol
from chat.models import Conversation, Membership, Message
from pneumatic.lib import realtime


def _announce(conversation_id: UUID, event: protocol.Event, *, ended: int) -> None:
    realtime.publish_on_commit(groups.conversation(conversation_id), _envelope(event, ended))


def _envelope(event: protocol.Event, ended: int) -> realtime.Envelope:
    return {"kind": "event", "text": protocol.encode(event), "ended": ended}


def messages_sent(messages: Iterable[tuple[Message, int]]) -> None:
    """Each with its conversation's `ended_version`; those of a conversation are told together."""
    announce((presenters.message_event(message), ended) for message, ended in messages)


def announce(events: Iterable[tuple[protocol.MessageEvent, int]]) -> None:
    """As `messages_sent`, for those whose events are ready."""
    told: dict[UUID, list[realtime.Envelope]] = {}
    for event, ended in events:
        told.setdefault(event.conversation, []).append(_envelope(event, ended))
    for conversation_id, envelopes in told.items():
        realtime.publish_on_commit(groups.conversation(conversation_id), *envelopes)


def message_changed(conversation: Conversation, message: Message) -> None:
    messages_sent([(message, conversation.ended_version)])


def member_changed(conversation: Conversation, membership: Membership) -> None:
    event = presenters.member_event(membership)
    _announce(conversation.id, event, ended=conversation.ended_version)


def conversation_changed(conversation: Conversation) -> None:
    event = presenters.conversation_event(conversation)
    _announce(conversation.id, event, ended=conversation.ended_version)


def membership_began(membership: Membership) -> None:
    """The person's devices join the conversation and receive it whole."""
    realtime.publish_on_commit(
        groups.user(membership.user_id),
        {"kind": "joined", "conversation": str(membership.conversation_id)},
    )


def membership_ended(conversation: Conversation, user_id: UUID, *, previous: int) -> None:
    """The person's sockets leave; `previous` is the conversation's former `ended_version`."""
    realtime.publish_on_commit(
        groups.conversation(conversation.id),
        {
            "kind": "ended",
            "user": str(user_id),
            "ended": conversation.ended_version,
            "previous": previous,
        },
    )


def conversation_closed(conversation: Conversation) -> None:
    realtime.publish_on_commit(groups.conversation(conversation.id), {"kind": "closed"})


def receipt_moved(membership: Membership, *, unread: int, mentions: int, ended: int) -> None:
    """Others see the positions; one's own devices also learn what is left unread."""
    event = protocol.ReceiptEvent(
        conversation=membership.conversation_id,
        user=membership.user_id,
        read_seq=membership.read_seq,
        delivered_seq=membership.delivered_seq,
    )
    state = {"kind": "state", "key": f"{membership.conversation_id}:{membership.user_id}"}
    realtime.publish_on_commit(
        groups.conversation(membership.conversation_id),
        {
            **state,
            "text": protocol.encode(event),
            "without": str(membership.user_id),
            "ended": ended,
        },
    )
    event.unread, event.mentions = unread, mentions
    realtime.publish_on_commit(
        groups.user(membership.user_id), {**state, "text": protocol.encode(event)}
    )


def typing(conversation_id: UUID, user_id: UUID, *, on: bool, ended: int) -> None:
    event = protocol.TypingEvent(conversation=conversation_id, user=user_id, on=on)
    realtime.publish(
        groups.conversation(conversation_id),
        {
            "kind": "state",
            "text": protocol.encode(event),
            "without": str(user_id),
            "ended": ended,
        },
    )


def presence(circles: Mapping[UUID, Mapping[str, int]], *, online: bool) -> None:
    """Of these people, to the members of each one's conversations, with their `ended_version`."""
    realtime.publish(
        groups.PRESENCE,
        *(
            {
                "kind": "presence",
                "text": protocol.encode(protocol.PresenceEvent(user=user_id, online=online)),
                "without": str(user_id),
                "conversations": dict(circle),
            }
            for user_id, circle in circles.items()
        ),
    )
