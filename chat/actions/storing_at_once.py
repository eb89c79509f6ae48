"""Store a batch of drafts in a single statement: a function that PostgreSQL keeps the plan of.

Its text is in the migrations (`chat_append`). What it does is what `storing` does; the tests hold
the two together. Outside of a transaction the statement is one itself: a round trip, its commit
included.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from django.db import DatabaseError, connection, transaction
from msgspec import Struct

from chat import fanout
from chat.actions.appending import names_in
from chat.actions.drafts import Busy, Draft, Result, Sent, bad_reply, repeat
from chat.errors import NoSuchConversation, ReadOnly
from chat.models import Message
from pneumatic.lib.errors import Unavailable
from pneumatic.lib.outages import unavailable_from
from pneumatic.lib.postgres import one_statement

_STATEMENT: Final = "SELECT * FROM chat_append(%s, %s)"
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(list[str]).decode
_COLUMNS: Final = [field.attname for field in Message._meta.concrete_fields]


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


def store(drafts: Mapping[int, Draft], *, wait: bool) -> Mapping[int, Result]:
    """What became of each; no two have the same id."""
    asked = [_asked(draft) for draft in drafts.values()]
    answers = [_Answer(*row) for row in _rows([_encode(asked).decode(), wait])]
    results: dict[int, Result] = {}
    others: dict[int, tuple[Draft, _Answer]] = {}
    for (place, draft), one, answer in zip(drafts.items(), asked, answers, strict=True):
        if answer.outcome == "stored":
            message = _message(draft, one, answer)
            fanout.message_sent(message, ended=answer.ended)
            results[place] = Sent(message, duplicate=False)
        else:
            others[place] = draft, answer
    # Asked only now: what was stored is committed, and announced whatever becomes of this.
    known = _known(others.values())
    for place, (draft, answer) in others.items():
        results[place] = _not_stored(draft, answer, known)
    return results


def _rows(parameters: Sequence[str | bool]) -> list[tuple[Any, ...]]:
    if not connection.in_atomic_block:
        return one_statement(connection, _STATEMENT, parameters)
    # In somebody else's transaction a savepoint: what fails here undoes nothing of theirs.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_STATEMENT, parameters)
        return list(cursor.fetchall())


def _asked(draft: Draft) -> _Asked:
    return _Asked(
        draft.id,
        draft.conversation_id,
        draft.sender.id,
        draft.body,
        draft.reply_to,
        draft.fingerprint.hex(),
        list(names_in(draft.body)),
    )


def _known(others: Iterable[tuple[Draft, _Answer]]) -> Mapping[UUID, Message] | Unavailable:
    ids = [draft.id for draft, answer in others if answer.outcome == "known"]
    try:
        return Message.objects.in_bulk(ids) if ids else {}
    except DatabaseError as error:
        problem = unavailable_from(error)
        if problem is None:
            raise
        return problem


def _not_stored(
    draft: Draft, answer: _Answer, known: Mapping[UUID, Message] | Unavailable
) -> Result:
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


def _message(draft: Draft, asked: _Asked, answer: _Answer) -> Message:
    """The row as it was stored: made as one that was read, which costs half as much."""
    stored = {
        "id": draft.id,
        "conversation_id": draft.conversation_id,
        "seq": answer.seq,
        "version": answer.version,
        "sender_id": draft.sender.id,
        "kind": Message.Kind.TEXT,
        "body": draft.body,
        "reply_to_id": draft.reply_to,
        "mentioned": _decode(answer.mentioned),
        "fingerprint": bytes.fromhex(asked.fingerprint),
        "created_at": answer.at,
    }
    return Message.from_db(connection.alias, _COLUMNS, [stored.get(name) for name in _COLUMNS])
