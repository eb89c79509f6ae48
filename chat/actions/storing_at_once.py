"""Store a batch of drafts in a single statement: a function that PostgreSQL keeps the plan of.

Its text is in the migrations: `chat_append`, and `chat_append_one` for a message that comes alone.
What they do is what `storing` does; the tests hold them together. Outside of a transaction the
statement is one itself: a round trip, its commit included.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, transaction
from django.db.models.base import ModelState
from msgspec import Struct

from chat import fanout, presenters, protocol
from chat.actions.appending import names_in
from chat.actions.drafts import Busy, Draft, Result, Sent, bad_reply, repeat
from chat.errors import NoSuchConversation, ReadOnly
from chat.models import Message
from pneumatic.lib.database import asyncpostgres
from pneumatic.lib.database.outages import unavailable_from
from pneumatic.lib.database.postgres import one_statement
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.errors import Unavailable

_BATCH: Final = "SELECT * FROM chat_append(%s, %s)"
_ONE: Final = "SELECT * FROM chat_append_one(%s, %s, %s, %s, %s, %s)"
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(list[str]).decode
_NOBODY: Final = "[]"
_UNSET: Final = dict.fromkeys(field.attname for field in Message._meta.concrete_fields)
#: Until the database says when it was.
_NOT_YET: Final = datetime.min.replace(tzinfo=UTC)


class _Asked(Struct):
    """A draft as the function takes it."""

    id: UUID
    conversation: UUID
    sender: UUID
    body: str
    reply_to: UUID | None
    fingerprint: str
    names: Sequence[str]


class _Answer(NamedTuple):
    """What the function says of it; the rest is None unless it was stored."""

    outcome: str
    is_member: bool
    seq: int
    version: int
    mentioned: str
    ended: int
    at: datetime


_Others = dict[int, tuple[Draft, _Answer]]


class _Written(NamedTuple):
    """A message and its event as they will be, but for what the database adds."""

    message: Message
    event: protocol.MessageEvent


class _Ahead:
    """Drafts, and what can be written of them while the database works."""

    def __init__(self, drafts: Mapping[int, Draft]) -> None:
        self.drafts = drafts
        self.written: Sequence[_Written] = ()

    def write(self) -> None:
        self.written = _written(self.drafts)

    def announce(self, rows: Iterable[tuple[Any, ...]]) -> tuple[dict[int, Result], _Others]:
        """What was stored, and is announced by this; and what was not, with the answer to it."""
        results: dict[int, Result] = {}
        others: _Others = {}
        stored: list[tuple[protocol.MessageEvent, int]] = []
        ready = zip(self.drafts.items(), self.written, rows, strict=True)
        for (place, draft), (message, event), row in ready:
            answer = _Answer(*row)
            if answer.outcome == "stored":
                message.seq, message.version = answer.seq, answer.version
                message.created_at = answer.at
                if answer.mentioned != _NOBODY:
                    message.mentioned = _decode(answer.mentioned)
                presenters.add_place(event, message)
                stored.append((event, answer.ended))
                results[place] = Sent(message, duplicate=False)
            else:
                others[place] = draft, answer
        fanout.announce(stored)
        return results, others


def store(drafts: Mapping[int, Draft], *, wait: bool) -> Mapping[int, Result]:
    """What became of each; no two have the same id."""
    rows = _rows(*_statement(drafts, wait=wait))
    ahead = _Ahead(drafts)
    ahead.write()
    results, others = ahead.announce(rows)
    # Asked only now: what was stored is committed, and announced whatever becomes of this.
    return {**results, **_not_stored(others)} if others else results


async def astore(drafts: Mapping[int, Draft], *, wait: bool) -> Mapping[int, Result]:
    """As `store`, from the event loop. Raises `Unavailable`, and `IntegrityError` as that does."""
    if not drafts:
        return {}
    ahead = _Ahead(drafts)
    rows = await asyncpostgres.rows(*_statement(drafts, wait=wait), meanwhile=ahead.write)
    results, others = ahead.announce(rows)
    return {**results, **await _not_stored_from_the_loop(others)} if others else results


def begin(draft: Draft, answered: Callable[[Sent | None], object]) -> bool:
    """As `astore` for one and without `wait`; whether it was begun.

    It is not where something has to be waited for first. `answered` is called later, with what was
    stored, or with None where `astore` has to find out.
    """
    ahead = _Ahead({0: draft})

    def came(rows: Iterable[tuple[Any, ...]] | None) -> None:
        sent: Result | None = None
        try:
            if rows is not None:
                sent = ahead.announce(rows)[0].get(0)
        finally:
            answered(sent if isinstance(sent, Sent) else None)

    return asyncpostgres.begin(*_statement(ahead.drafts, wait=False), came, ahead.write)


async def _not_stored_from_the_loop(others: _Others) -> Mapping[int, Result]:
    if all(answer.outcome != "known" for _, answer in others.values()):
        return _not_stored(others)
    try:
        return await in_database(_not_stored, others)
    except Unavailable as problem:
        # What was stored beside these is acknowledged all the same.
        return dict.fromkeys(others, problem)


def _statement(drafts: Mapping[int, Draft], *, wait: bool) -> tuple[str, Sequence[Any]]:
    if len(drafts) == 1:
        (one,) = drafts.values()
        if not one.reply_to and not names_in(one.body):
            values = one.id, one.conversation_id, one.sender.id, one.body, one.fingerprint, wait
            return _ONE, values
    asked = [
        _Asked(
            draft.id,
            draft.conversation_id,
            draft.sender.id,
            draft.body,
            draft.reply_to,
            draft.fingerprint.hex(),
            list(names_in(draft.body)),
        )
        for draft in drafts.values()
    ]
    return _BATCH, (_encode(asked).decode(), wait)


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    if not connection.in_atomic_block:
        return one_statement(connection, sql, parameters)
    # In somebody else's transaction a savepoint: what fails here undoes nothing of theirs.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _known(others: Iterable[tuple[Draft, _Answer]]) -> Mapping[UUID, Message] | Unavailable:
    ids = [draft.id for draft, answer in others if answer.outcome == "known"]
    try:
        return Message.objects.in_bulk(ids) if ids else {}
    except DatabaseError as error:
        problem = unavailable_from(error)
        if problem is None:
            raise
        return problem


def _not_stored(others: _Others) -> dict[int, Result]:
    known = _known(others.values())
    return {place: _result(draft, answer, known) for place, (draft, answer) in others.items()}


def _result(draft: Draft, answer: _Answer, known: Mapping[UUID, Message] | Unavailable) -> Result:
    match answer.outcome:
        case "known":
            if isinstance(known, Unavailable):
                return known
            return repeat(known[draft.id], draft, is_member=answer.is_member)
        case "busy":
            return Busy()
        case "archived":
            return ReadOnly()
        case "no reply":
            return bad_reply()
        case _:
            return NoSuchConversation()


def _written(drafts: Mapping[int, Draft]) -> list[_Written]:
    messages = [_message(draft) for draft in drafts.values()]
    return [_Written(message, presenters.message_event(message)) for message in messages]


def _message(draft: Draft) -> Message:
    """Made as `Model.from_db` would, without its way through each field, which takes longer than to
    encode the event for everybody.
    """
    message = Message.__new__(Message)
    message._state = ModelState()
    message._state.db, message._state.adding = DEFAULT_DB_ALIAS, False
    message.__dict__.update(
        _UNSET,
        id=draft.id,
        conversation_id=draft.conversation_id,
        sender_id=draft.sender.id,
        kind=Message.Kind.TEXT,
        body=draft.body,
        reply_to_id=draft.reply_to,
        fingerprint=draft.fingerprint,
        seq=0,
        version=0,
        mentioned=[],
        created_at=_NOT_YET,
    )
    return message
