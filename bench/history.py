"""A long history, written in SQL: `python -m bench.history PEOPLE CONVERSATIONS MESSAGES HEAVY`.

In our server's environment. Each conversation has ten members and an equal part of the messages;
person 0 is in HEAVY of them altogether. Ids are `id_of("u" | "c" | "m", number)`. What a
row holds besides comes from the models' own defaults.
"""

import sys
from hashlib import md5
from typing import TYPE_CHECKING, Any
from uuid import UUID

import django

if TYPE_CHECKING:
    from django.db.models import Model

MEMBERS = 10
_BODY = "'message ' || n || repeat(' lorem', 8)"
_AT = "timestamptz '2026-01-01' + n * interval '1 second'"

#: Person 0's seats in other people's conversations are the last ones there.
_JOINED = f"""
UPDATE chat_conversation SET member_count = member_count + 1
WHERE id IN (SELECT conversation_id FROM chat_membership WHERE version = {MEMBERS + 1})
"""  # noqa: S608


def id_of(kind: str, number: int) -> UUID:
    """As `md5('<kind><number>')::uuid` in PostgreSQL."""
    return UUID(md5(f"{kind}{number}".encode()).hexdigest())  # noqa: S324  # not for security


def _insert(model: "type[Model]", source: str, **values: str) -> str:
    """An INSERT from ``source``, whose rows ``values`` refer to; other columns by default."""
    from django.db import connection

    columns, found = [], []
    for field in model._meta.concrete_fields:
        if field.primary_key and field.name not in values:
            continue  # a serial number
        columns.append(connection.ops.quote_name(str(field.column)))
        if field.name in values:
            found.append(values[field.name])
        else:
            default = field.get_db_prep_save(field.get_default(), connection)
            found.append(_literal(default))
    table = connection.ops.quote_name(model._meta.db_table)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(found)} FROM {source}"  # noqa: S608


def _literal(value: Any) -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        said: str = cursor.mogrify("%s", [value])
    return said


def _without_person_0(heavy: int, conversations: int) -> str:
    """So many conversations that person 0 will then be in ``heavy`` of them."""
    theirs = "FROM chat_membership WHERE user_id = md5('u0')::uuid"
    return (
        f"(SELECT c, {MEMBERS} AS m FROM generate_series(0, {conversations - 1}) c"  # noqa: S608
        f" WHERE NOT EXISTS (SELECT 1 {theirs} AND conversation_id = md5('c' || c)::uuid)"
        f" ORDER BY c LIMIT greatest(0, {heavy} - (SELECT count(*) {theirs}))) AS others"
    )


def fill(people: int, conversations: int, messages: int, heavy: int) -> None:
    """Insert it all, indexes afterwards: row by row they would take most of the time."""
    from django.db import connection

    from accounts.models import User
    from chat.models import Conversation, Membership, Message

    each = messages // conversations
    version = MEMBERS + 1 + each
    user = f"md5('u' || (c + m * {max(1, people // MEMBERS)}) %% {people})::uuid".replace("%%", "%")
    membership = {
        "conversation": "md5('c' || c)::uuid",
        "joined_at": "now()",
        "read_seq": f"{each} - (c + m) % 20",
        "delivered_seq": str(each),
    }
    statements = [
        _insert(
            User,
            f"generate_series(0, {people - 1}) n",
            id="md5('u' || n)::uuid",
            username="'person' || n",
            email="'person' || n || '@example.org'",
            display_name="'Person ' || n",
            session_stamp="gen_random_uuid()",
            password="'!'",
        ),
        _insert(
            Conversation,
            f"generate_series(0, {conversations - 1}) n",
            id="md5('c' || n)::uuid",
            kind="'group'",
            title="'Conversation ' || n",
            created_at=_AT,
            last_message_at=_AT,
            member_count=str(MEMBERS),
            last_seq=str(each),
            version=str(version),
        ),
        _insert(
            Membership,
            f"generate_series(0, {conversations - 1}) c, generate_series(0, {MEMBERS - 1}) m",
            user=user,
            role="CASE m WHEN 0 THEN 'owner' ELSE 'member' END",
            version="m + 1",
            **membership,
        ),
        _insert(
            Membership,
            _without_person_0(heavy, conversations),
            user="md5('u0')::uuid",
            role="'member'",
            version="m + 1",
            **membership,
        ),
        _JOINED,
        _insert(
            Message,
            f"generate_series(0, {each * conversations - 1}) n",
            id="md5('m' || n)::uuid",
            conversation=f"md5('c' || n % {conversations})::uuid",
            seq=f"n / {conversations} + 1",
            version=f"n / {conversations} + {MEMBERS + 2}",
            sender=f"md5('u' || n % {conversations} % {people})::uuid",
            body=_BODY,
            created_at=_AT,
            fingerprint="decode(md5('m' || n), 'hex')",
        ),
    ]
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for statement in statements[:-1]:
            cursor.execute(statement)
        # Superusers only, and only in a database that nobody else uses: the table's indexes rest.
        rest = "UPDATE pg_index SET indisready = %s WHERE indrelid = 'chat_message'::regclass"
        cursor.execute(rest, [False])
        cursor.execute(statements[-1])
        cursor.execute(rest, [True])
        cursor.execute("REINDEX TABLE chat_message")
        cursor.execute("VACUUM (ANALYZE)")
        # Else PostgreSQL would be writing all of this out for minutes, while others are measured.
        cursor.execute("CHECKPOINT")


def main() -> None:
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    people, conversations, messages, heavy = map(int, sys.argv[1:])
    fill(people, conversations, messages, heavy)
    print("{}")


if __name__ == "__main__":
    main()
