"""What somebody wants to send, and what can become of it."""

from typing import NamedTuple
from uuid import UUID

from accounts.models import User
from chat.actions import inputs
from chat.errors import BadField, IdTaken, NoSuchConversation
from chat.models import Message
from pneumatic.lib.errors import ProblemError


class Draft(NamedTuple):
    """What somebody wants to send, under the id that their device gave it."""

    sender: User
    conversation_id: UUID
    id: UUID
    body: str
    reply_to: UUID | None = None

    @property
    def fingerprint(self) -> bytes:
        return Message.fingerprint_of(self.id, self.body, self.reply_to)


class Sent(NamedTuple):
    """A stored message; `duplicate` when it was there before and nothing was done."""

    message: Message
    duplicate: bool


class Busy(NamedTuple):
    """The conversation's row is locked by somebody else; nothing was done."""


Result = Sent | ProblemError | Busy


def checked(draft: Draft) -> Draft:
    """The draft with its body as it is kept. Raises `BadField`."""
    if draft.id.version not in {4, 7}:
        raise BadField("id", "must be a random UUID (version 4 or 7)")
    body = inputs.body(draft.body)
    return draft if body == draft.body else draft._replace(body=body)


def repeat(known: Message, draft: Draft, *, is_member: bool) -> Sent | ProblemError:
    """The answer to a draft whose id is taken by `known`: by itself, or by something else.

    Who has left meanwhile still learns that the message had arrived; strangers learn nothing.
    """
    same = (
        known.sender_id == draft.sender.id
        and known.conversation_id == draft.conversation_id
        and bytes(known.fingerprint) == draft.fingerprint
    )
    if same:
        return Sent(known, duplicate=True)
    return IdTaken() if is_member else NoSuchConversation()


def bad_reply() -> BadField:
    return BadField("reply_to", "names no message of this conversation")
