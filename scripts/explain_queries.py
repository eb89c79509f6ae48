"""Write docs/queries.md: which index serves which query, on tables of some size.

`python -m scripts.explain_queries` starts a PostgreSQL of its own, fills it, runs each query of the
hot paths through the code that asks it, and notes what PostgreSQL's EXPLAIN (ANALYZE, BUFFERS)
says. The figures change a little from run to run, the indexes don't.
"""

import os
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pneumatic.loopback.processes import make_folder
from pneumatic.testing.services import running

PEOPLE, CONVERSATIONS, MEMBERS, MESSAGES = 2_000, 2_000, 10, 400_000
_OUT: Final = Path(__file__).parent.parent / "docs" / "queries.md"
# Numbers from above are all that is put in.
_FILL = f"""
INSERT INTO accounts_user (id, username, email, display_name, password, is_active, is_staff,
    is_superuser, session_stamp, date_joined)
  SELECT gen_random_uuid(), 'person-' || n, n || '@example.org', 'Person', '!', true, false, false,
    gen_random_uuid(), now()
  FROM generate_series(1, {PEOPLE}) n;
CREATE TEMP TABLE person AS
  SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM accounts_user;
INSERT INTO chat_conversation (id, kind, title, topic, created_at, member_count, last_seq, version,
    ended_version, last_message_at)
  SELECT gen_random_uuid(), 'group', 'Group', '', now(), {MEMBERS},
    {MESSAGES // CONVERSATIONS}, {MESSAGES // CONVERSATIONS + MEMBERS}, 0, now()
  FROM generate_series(1, {CONVERSATIONS});
CREATE TEMP TABLE room AS
  SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM chat_conversation;
INSERT INTO chat_membership (conversation_id, user_id, role, joined_at, version, read_seq,
    delivered_seq, own_after_read, pinned)
  SELECT room.id, person.id, 'member', now(), seat + 1, 10, 10, 0, false
  FROM room CROSS JOIN generate_series(0, {MEMBERS - 1}) seat
  JOIN person ON person.n = (room.n * 7 + seat * 13) % {PEOPLE};
INSERT INTO chat_message (id, conversation_id, seq, version, sender_id, kind, body, mentioned,
    fingerprint, created_at)
  SELECT gen_random_uuid(), room.id, seq, seq + {MEMBERS}, person.id, 'text', repeat('x', 250),
    '[]', '\\x00', now()
  FROM generate_series(1, {MESSAGES // CONVERSATIONS}) seq CROSS JOIN room
  JOIN person ON person.n = (room.n * 7 + seq % {MEMBERS} * 13) % {PEOPLE};
INSERT INTO chat_mention (message_id, user_id, conversation_id, seq)
  SELECT message.id, seat.user_id, message.conversation_id, message.seq
  FROM chat_message message JOIN chat_membership seat USING (conversation_id)
  WHERE message.seq % 50 = 0;
ANALYZE;
"""  # noqa: S608


def _cases() -> Iterator[tuple[str, Callable[[], object]]]:
    from accounts.models import User
    from chat import catchup, queries
    from chat.actions.members import show_anew
    from chat.models import Membership, Message
    from pneumatic.lib.database.stretch import Stretch

    seat = Membership.objects.select_related("conversation", "user").order_by("id")[5]
    user, room = seat.user, seat.conversation
    place = queries.conversation_for(user, room.id)
    message = Message.objects.filter(conversation=room).order_by("seq")[50]
    seats = queries.seats_of(user)
    known = {str(each.conversation_id): each.conversation.version - 5 for each in seats}
    yield (
        "The conversations of a person (list)",
        lambda: queries.conversations_of(user, Stretch(is_descending=True, most=100)),
    )
    yield "One's seat in a conversation", lambda: queries.conversation_for(user, room.id)
    yield "Whether somebody is a member", lambda: queries.is_member(user.id, room.id)
    yield "The newest page of messages", lambda: queries.page(user, room.id)
    yield "A page in the middle", lambda: queries.page(user, room.id, before=100)
    yield "One message", lambda: queries.message_for(place, message.id)
    yield (
        "What changed since a version (sync)",
        lambda: [
            catchup.page(part) for part in catchup.since(user, known, same_history=True).parts
        ],
    )
    twenty = list(User.objects.order_by("id").values_list("id", flat=True)[:20])
    yield "What 20 people may read (heartbeats)", lambda: queries.standings_of(twenty)
    yield (
        "The same, and how far those beside them got (hellos)",
        lambda: queries.surroundings_of(twenty),
    )
    yield "Unread mentions", lambda: queries.unread_mentions(seat)
    yield (
        "Who is called so (mentions)",
        lambda: User.objects.get_by_natural_key(user.username),
    )
    yield "All of a person's memberships (a new name)", lambda: show_anew(user=user)


def _called() -> Iterator[tuple[str, list[str]]]:
    """What runs inside PostgreSQL, in functions: their plans are logged, not asked for."""
    from django.db import connection

    from chat.actions import receipts, sending
    from chat.models import Membership

    seat = Membership.objects.select_related("user").order_by("id")[5]
    plans: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute("LOAD 'auto_explain'")
        for name, value in {
            "log_min_duration": "0",
            "log_analyze": "on",
            "log_nested_statements": "on",
            "log_buffers": "on",
        }.items():
            cursor.execute(f"SET auto_explain.{name} = {value}")
        cursor.execute("SET client_min_messages = log")
        raw = connection.connection
        raw.add_notice_handler(lambda notice: plans.append(notice.message_primary))
        drafts = [
            sending.Draft(seat.user, seat.conversation_id, uuid.uuid4(), "hello @person-5")
            for _ in range(20)
        ]
        sending.send_messages(drafts=drafts)
        yield "Sending 20 messages: `chat_append`", _worth(plans)
        plans.clear()
        sending.send_messages(drafts=[drafts[0]._replace(id=uuid.uuid4(), body="hello")])
        yield "Sending one: `chat_append_one`", _worth(plans)
        plans.clear()
        receipts.mark_read(user=seat.user, conversation_id=seat.conversation_id, seq=120)
        yield "Reading, among 200 messages: `chat_mark`", _worth(plans)
        cursor.execute("SET client_min_messages = warning")


def _worth(plans: list[str]) -> list[str]:
    # The call itself is beside what runs in it.
    return [plan for plan in plans if "Query Text: SELECT * FROM chat_" not in plan]


def _explained(act: Callable[[], object]) -> Iterator[str]:
    """The plan of each query that `act` asks."""
    from django.db import connection, transaction
    from django.test.utils import CaptureQueriesContext

    with transaction.atomic():
        with CaptureQueriesContext(connection) as captured:
            act()
        transaction.set_rollback(True)
    for query in captured.captured_queries:
        sql = str(query["sql"]).strip()
        if sql.startswith(("SELECT", "UPDATE", "WITH")):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}".replace("%", "%%"), None)
                yield "\n".join(row[0] for row in cursor.fetchall())
                transaction.set_rollback(True)


_SCAN = re.compile(
    r"(?P<how>Seq Scan on|Index (?:Only )?Scan(?: Backward)? using|Bitmap Index Scan on)"
    r" (?P<what>\S+)"
)


def _served_by(plan: str) -> list[str]:
    found: dict[str, None] = {}
    for match in _SCAN.finditer(plan):
        whole = match["how"] == "Seq Scan on"
        found["reads a table through" if whole else f"`{match['what']}`"] = None
    return list(found)


def _row(name: str, plans: list[str]) -> str:
    indexes = dict.fromkeys(index for plan in plans for index in _served_by(plan))
    times = [
        float(found[1]) for plan in plans if (found := re.search(r"Execution Time: (\S+)", plan))
    ]
    times += [
        float(found[1]) for plan in plans if (found := re.search(r"duration: (\S+) ms", plan))
    ]
    buffers = sum(
        int(found[1]) for plan in plans if (found := re.search(r"Buffers: shared hit=(\d+)", plan))
    )
    return f"| {name} | {len(plans)} | {', '.join(indexes)} | {buffers} | {sum(times):.2f} |"


_HEAD = f"""# Which query is served by which index

Written by `python -m scripts.explain_queries` from what PostgreSQL said: {MESSAGES:,} messages,
{CONVERSATIONS:,} conversations of {MEMBERS} members, {PEOPLE:,} people. Each query is the one that
the code asks. What counts is the index, and that the blocks it touches (of 8 KiB) are few: they are
the same for a table a hundred times as large, but for a level of the index. A table as small as
that of conversations here is read through where that is cheaper; a larger one only for many rows.

| what is asked | statements | served by | blocks | ms |
|---|---|---|---|---|
"""
_TAIL = """
What runs inside `chat_append`, `chat_append_one` and `chat_mark` has one plan, made at a
connection's first call and kept. The functions forbid themselves everything but steps through
indexes, row by row, because the tables may have been small when the plan was made. The first two
check the foreign keys of each message besides.

An insert of a message writes three indexes: the primary key, `message_seq_unique` and
`message_version_unique`; a reply is in `message_replies` as well. Nothing asks for all messages of
a sender, all mentions of a conversation, or all conversations that somebody began, so there is no
index for these. Nobody is ever deleted, only suspended: an operator who deletes a person by hand
waits for one pass through the messages.

## Plans

"""


def main() -> int:
    with running() as services:
        if "DATABASE_URL" not in services.environment:
            sys.stderr.write("PostgreSQL cannot be had.\n")
            return 2
        os.environ.update(services.environment)
        os.environ["PNEUMATIC_DATA_DIR"] = str(make_folder())
        os.environ["DJANGO_SETTINGS_MODULE"] = "pneumatic.settings"
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection, connections

        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute(_FILL, None)
        asked = [(name, list(_explained(act))) for name, act in _cases()]
        asked += list(_called())
        connections.close_all()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's only
    rows = "\n".join(_row(name, plans) for name, plans in asked)
    plans = "\n".join(f"### {name}\n\n```\n{_short(each)}\n```\n" for name, each in asked)
    _OUT.write_text(f"{_HEAD}{rows}\n{_TAIL}{plans}".rstrip() + "\n")
    return 0


def _short(plans: list[str]) -> str:
    """The steps of each plan, once, without costs and times: these differ from run to run."""
    wanted = re.compile(r".*->|\s*(Index |Seq Scan|Filter|Update|Insert|LockRows|Limit|Sort )")
    short = (
        "\n".join(
            re.sub(r"  ?\((cost|actual)=?[^)]*\)|'[0-9a-f-]{36}'::uuid", "", line)[:130].rstrip()
            for line in plan.splitlines()
            if wanted.match(line)
        )
        for plan in plans
    )
    return "\n".join(each for each in dict.fromkeys(short) if each)


if __name__ == "__main__":
    sys.exit(main())
