"""What both REST and the socket show of the database."""

from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

Time = str
"""RFC 3339, UTC, milliseconds: `2026-11-22T19:46:00.123Z`."""


class Person(Struct):
    id: UUID
    username: str
    display_name: str
    avatar: str | None


class Reaction(Struct):
    emoji: str
    count: int
    users: list[UUID]


class MessageRow(Struct):
    id: UUID
    conversation: UUID
    seq: int
    version: int
    sender: UUID | None
    kind: Literal["text", "system"]
    body: str
    reply_to: UUID | None
    attachments: list[Any]
    mentions: list[UUID]
    reactions: list[Reaction]
    pinned_at: Time | None
    created_at: Time
    edited_at: Time | None
    deleted_at: Time | None


class MemberRow(Struct):
    conversation: UUID
    user: Person
    role: Literal["owner", "admin", "member"]
    joined_at: Time
    left_at: Time | None
    version: int


class Me(Struct):
    role: Literal["owner", "admin", "member"]
    read_seq: int
    unread: int
    mentions: int
    muted_until: Time | None
    pinned: bool


class ConversationRow(Struct):
    id: UUID
    kind: Literal["direct", "group"]
    title: str
    topic: str
    avatar: str | None
    created_at: Time
    last_seq: int
    version: int
    archived_at: Time | None
    me: Me | UnsetType = UNSET


class Receipt(Struct):
    user: UUID
    read_seq: int
    delivered_seq: int
    conversation: UUID | UnsetType = UNSET
