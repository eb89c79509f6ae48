"""What a client says. Fields that are not declared here are refused."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from chat import limits

Ref = Annotated[str, Meta(max_length=limits.REF_CHARS)]
Position = Annotated[int, Meta(ge=0, le=2**53)]
Versions = Annotated[dict[UUID, Position], Meta(max_length=limits.CONVERSATIONS)]
KnownVersions = Annotated[dict[str, Position], Meta(max_length=limits.CONVERSATIONS)]


class Command(Struct, tag_field="type", forbid_unknown_fields=True, kw_only=True):
    ref: Ref | None = None


class Hello(Command, tag="hello", kw_only=True):
    token: str | None = None
    epoch: UUID | None = None
    versions: Versions = msgspec.field(default_factory=dict)


class Send(Command, tag="message.send", kw_only=True):
    id: UUID
    conversation: UUID
    body: str
    reply_to: UUID | None = None
    attachments: Annotated[list[UUID], Meta(max_length=0)] = msgspec.field(default_factory=list)


class Read(Command, tag="read", kw_only=True):
    conversation: UUID
    seq: Position


class Delivered(Command, tag="delivered", kw_only=True):
    conversation: UUID
    seq: Position


class Typing(Command, tag="typing", kw_only=True):
    conversation: UUID
    on: bool


class Sync(Command, tag="sync", kw_only=True):
    """`versions`: all of the client's conversations, or, with `partial`, only these.

    Only a full list can tell the client of conversations that it doesn't know yet.
    """

    versions: Versions
    epoch: UUID | None = None
    partial: bool = False
    states: bool = False

    def by_texts(self) -> "Heartbeat":
        """The same with texts of its ids, such as `str` makes them."""
        return Heartbeat(
            ref=self.ref,
            versions=msgspec.to_builtins(self.versions, str_keys=True),
            epoch=self.epoch,
            partial=self.partial,
            states=self.states,
        )


class Heartbeat(Command, tag="sync", kw_only=True):
    """A `sync` with its ids as texts; decoded so, it is of everything that a device knows.

    Most of what devices say who say nothing. Ids are kept and compared by C only as long as they
    are texts.
    """

    versions: KnownVersions
    epoch: UUID | None = None
    partial: bool = False
    states: bool = False


class Auth(Command, tag="auth", kw_only=True):
    token: str


class Ping(Command, tag="ping", kw_only=True):
    t: float | int | str | None = None


_Others = Hello | Send | Read | Delivered | Typing | Auth | Ping
AnyCommand = _Others | Sync
#: The same, but for the ids of a sync.
QuickCommand = _Others | Heartbeat
COMMANDS: Final[tuple[type[Command], ...]] = (
    Hello,
    Send,
    Read,
    Delivered,
    Typing,
    Sync,
    Auth,
    Ping,
)
