"""What the server says, and why it closes."""

from enum import IntEnum
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from chat import limits
from chat.protocol.commands import Ref
from chat.protocol.rows import (
    ConversationRow,
    MemberRow,
    MessageRow,
    Person,
    Receipt,
    Time,
)

VERSION: Final = 1


class Close(IntEnum):
    """Why the server closes a socket. 40xx to 44xx: come back. 45xx: don't."""

    RESTARTING = 1012
    RESTARTING_PRIVATE = 4012
    UNAUTHENTICATED = 4401
    TOO_SLOW = 4408
    TOO_MANY = 4429
    BROKEN_CLIENT = 4500
    REVOKED = 4501
    NOT_ALLOWED = 4503

    @property
    def reconnect(self) -> bool:
        return self < 4500


class Event(Struct, tag_field="type"):
    pass


class Welcome(Event, tag="welcome", kw_only=True):
    protocol: int = VERSION
    user: Person
    session: UUID
    epoch: UUID
    server_time: Time
    token_expires_at: Time
    heartbeat: int = limits.HEARTBEAT
    limits: dict[str, int]


class SyncFrame(Event, tag="sync", kw_only=True):
    conversation: UUID
    from_: int = msgspec.field(name="from")
    to: int
    reset: bool
    more: bool
    data: ConversationRow
    members: list[MemberRow]
    messages: list[MessageRow]
    receipts: list[Receipt]


class Synced(Event, tag="synced", kw_only=True, omit_defaults=True):
    ref: Ref | None = None
    receipts: list[Receipt] = []
    online: list[UUID] = []


class Ack(Event, tag="ack", kw_only=True):
    ref: Ref | None
    id: UUID
    conversation: UUID
    seq: int
    version: int
    created_at: Time
    duplicate: bool


class MessageEvent(Event, tag="message", kw_only=True):
    conversation: UUID
    version: int
    data: MessageRow


class MemberEvent(Event, tag="member", kw_only=True):
    conversation: UUID
    version: int
    data: MemberRow


class ConversationEvent(Event, tag="conversation", kw_only=True):
    """`data` has no `me`: it is the same text for every member."""

    conversation: UUID
    version: int
    data: ConversationRow


class ConversationRemoved(Event, tag="conversation.removed", kw_only=True):
    conversation: UUID


class ReceiptEvent(Event, tag="receipt", kw_only=True):
    """`unread` and `mentions` are there only on one's own devices."""

    conversation: UUID
    user: UUID
    read_seq: int
    delivered_seq: int
    unread: int | UnsetType = UNSET
    mentions: int | UnsetType = UNSET


class TypingEvent(Event, tag="typing", kw_only=True):
    conversation: UUID
    user: UUID
    on: bool


class PresenceEvent(Event, tag="presence", kw_only=True):
    user: UUID
    online: bool


class AuthExpiring(Event, tag="auth.expiring", kw_only=True):
    seconds: int


class Authed(Event, tag="authed", kw_only=True):
    ref: Ref | None
    token_expires_at: Time


class Resync(Event, tag="resync", kw_only=True):
    pass


class ErrorEvent(Event, tag="error", kw_only=True, omit_defaults=True):
    ref: Ref | None = None
    code: str
    detail: str
    errors: dict[str, list[str]] = {}
    retry_after: float | None = None


class Pong(Event, tag="pong", kw_only=True):
    ref: Ref | None
    t: float | int | str | None
    server_time: Time


class Batch(Event, tag="batch", kw_only=True):
    events: list[msgspec.Raw]


EVENTS: Final[tuple[type[Event], ...]] = (
    Welcome,
    SyncFrame,
    Synced,
    Ack,
    MessageEvent,
    MemberEvent,
    ConversationEvent,
    ConversationRemoved,
    ReceiptEvent,
    TypingEvent,
    PresenceEvent,
    AuthExpiring,
    Authed,
    Resync,
    ErrorEvent,
    Pong,
    Batch,
)
