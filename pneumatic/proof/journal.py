"""The database's own log of every committed change, and what it holds at the end: plain SQL.

Triggers write one line for each version that is taken, in the transaction that takes it. So the
checker knows of rows that were changed again since, and of memberships that ended and began anew,
without asking the server or its models.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psycopg


class Change(NamedTuple):
    """One version of one conversation: which row took it, and when (seconds since the epoch)."""

    conversation: str
    version: int
    kind: str
    """`message`, `member` or `conversation`."""
    key: str
    """The message's id or the member's; of a conversation its own."""
    seq: int
    ended: bool
    marker: str
    """The first 36 characters of a message's body when it was first stored."""
    at: float


@dataclass
class Truth:
    """What the database holds when everything is over."""

    changes: list[Change] = field(default_factory=list)
    #: By id: last_seq, version, title, topic, archived.
    conversations: dict[str, tuple[int, int, str, str, bool]] = field(default_factory=dict)
    #: By id: conversation, seq, version, sender, kind, body, deleted.
    messages: dict[str, tuple[str, int, int, str, str, str, bool]] = field(default_factory=dict)
    #: By user: the name that others see.
    names: dict[str, str] = field(default_factory=dict)
    #: By (conversation, user): role, version, left, read_seq, delivered_seq.
    memberships: dict[tuple[str, str], tuple[str, int, bool, int, int]] = field(
        default_factory=dict
    )


_TABLE = """
CREATE TABLE proof_journal (
  conversation {uuid} NOT NULL, version bigint NOT NULL, kind text NOT NULL,
  row_key {uuid} NOT NULL, seq bigint NOT NULL, ended boolean NOT NULL, marker text NOT NULL,
  at double precision NOT NULL
)
"""
# table, event, condition, and the columns of the line
_TRIGGERS = (
    ("chat_message", "INSERT", "", "'message', NEW.id, NEW.seq, {no}, substr(NEW.body, 1, 36)"),
    (
        "chat_message",
        "UPDATE",
        "WHEN (NEW.version <> OLD.version)",
        "'message', NEW.id, NEW.seq, {no}, ''",
    ),
    ("chat_membership", "INSERT", "", "'member', NEW.user_id, 0, NEW.left_at IS NOT NULL, ''"),
    (
        "chat_membership",
        "UPDATE",
        "WHEN (NEW.version <> OLD.version)",
        "'member', NEW.user_id, 0, NEW.left_at IS NOT NULL, ''",
    ),
    (
        "chat_conversation",
        "UPDATE",
        "WHEN (NEW.title <> OLD.title OR NEW.topic <> OLD.topic OR {archived})",
        "'conversation', NEW.id, 0, NEW.archived_at IS NOT NULL, ''",
    ),
)
_ARCHIVED = "(NEW.archived_at IS NULL) <> (OLD.archived_at IS NULL)"
_SQLITE_NOW = "(julianday('now') - 2440587.5) * 86400.0"
_POSTGRES_NOW = "extract(epoch FROM clock_timestamp())"


def install(database: str) -> None:
    """Make the journal in an empty, migrated database (`postgresql://…` or a file of SQLite)."""
    with _connected(database) as run:
        on_postgres = _is_postgres(database)
        run(_TABLE.format(uuid="uuid" if on_postgres else "char(32)"))
        for number, (table, event, condition, columns) in enumerate(_TRIGGERS):
            where = "NEW.id" if table == "chat_conversation" else "NEW.conversation_id"
            columns = columns.format(no="false" if on_postgres else "0")
            when = condition.format(archived=_ARCHIVED)
            now = _POSTGRES_NOW if on_postgres else _SQLITE_NOW
            line = f"INSERT INTO proof_journal SELECT {where}, NEW.version, {columns}, {now};"
            head = f"CREATE TRIGGER proof_{number} AFTER {event} ON {table} FOR EACH ROW {when}"
            if on_postgres:
                run(
                    f"CREATE FUNCTION proof_{number}() RETURNS trigger LANGUAGE plpgsql AS"
                    f" $$ BEGIN {line} RETURN NULL; END $$"
                )
                run(f"{head} EXECUTE FUNCTION proof_{number}()")
            else:
                run(f"{head} BEGIN {line} END")


def read(database: str) -> Truth:
    """Everything that the checker needs of the database."""
    truth = Truth()
    with _connected(database) as run:
        for row in run("SELECT * FROM proof_journal ORDER BY conversation, version"):
            conversation, version, kind, key, seq, ended, marker, at = row
            truth.changes.append(
                Change(_id(conversation), version, kind, _id(key), seq, bool(ended), marker, at)
            )
        for row in run(
            "SELECT id, last_seq, version, title, topic, archived_at FROM chat_conversation"
        ):
            truth.conversations[_id(row[0])] = (*row[1:5], row[5] is not None)
        for row in run(
            "SELECT id, conversation_id, seq, version, sender_id, kind, body, deleted_at"
            " FROM chat_message"
        ):
            message, conversation, seq, version, sender, kind, body, deleted = row
            truth.messages[_id(message)] = (
                _id(conversation), seq, version, _id(sender), kind, body, deleted is not None
            )  # fmt: skip
        for user, name in run("SELECT id, display_name FROM accounts_user"):
            truth.names[_id(user)] = name
        for row in run(
            "SELECT conversation_id, user_id, role, version, left_at, read_seq, delivered_seq"
            " FROM chat_membership"
        ):
            conversation, user, role, version, left, *positions = row
            truth.memberships[_id(conversation), _id(user)] = (
                role, version, left is not None, positions[0], positions[1]
            )  # fmt: skip
    return truth


def versions(database: str) -> dict[str, tuple[int, frozenset[str]]]:
    """Each conversation's version now, and who is in it."""
    with _connected(database) as run:
        found = {_id(each): int(version) for each, version in run(_VERSIONS)}
        members: dict[str, set[str]] = {conversation: set() for conversation in found}
        for conversation, user in run(_MEMBERS):
            members[_id(conversation)].add(_id(user))
    return {each: (version, frozenset(members[each])) for each, version in found.items()}


_VERSIONS = "SELECT id, version FROM chat_conversation"
_MEMBERS = "SELECT conversation_id, user_id FROM chat_membership WHERE left_at IS NULL"


def _is_postgres(database: str) -> bool:
    return database.startswith("postgresql:")


@contextmanager
def _connected(database: str) -> Iterator[Any]:
    """A function that runs one statement and returns its rows."""

    def run(statement: str) -> Sequence[Any]:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []

    connection: Any
    if _is_postgres(database):
        with psycopg.connect(database, autocommit=True, connect_timeout=5) as connection:
            yield run
        return
    uri = f"{Path(database).as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=20, isolation_level=None)) as connection:
        yield run


def _id(value: Any) -> str:
    """A UUID as the wire writes it; SQLite keeps 32 digits."""
    text = "" if value is None else str(value)
    if len(text) == 32:
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return text
