"""What REST answers with beside the wire's own rows."""

from uuid import UUID

from msgspec import Struct

from chat import protocol


class OwnPerson(protocol.Person):
    """Oneself; the e-mail address is shown to nobody else."""

    email: str


class PeoplePage(Struct):
    """What was found at once; there is never a second page, only a better question."""

    results: list[protocol.Person]
    next: str | None = None
    previous: str | None = None


class ConversationPage(Struct):
    next: str | None
    previous: str | None
    results: list[protocol.ConversationRow]


class MemberPage(Struct):
    next: str | None
    previous: str | None
    results: list[protocol.MemberRow]


class MessagePage(Struct):
    """Ascending by `seq`."""

    results: list[protocol.MessageRow]
    has_before: bool
    has_after: bool


class ReadPosition(Struct):
    read_seq: int
    delivered_seq: int
    unread: int
    mentions: int


class SyncAnswer(Struct):
    """The socket's `sync` frames and what its `synced` tells."""

    epoch: UUID
    frames: list[protocol.SyncFrame]
    #: Conversations that the client must drop.
    removed: list[UUID]
    receipts: list[protocol.Receipt]
    online: list[UUID]
