"""Store messages as fast as each path can: `… PATHS SENDERS SECONDS ROUNDS`, in our environment.

Paths, each called by so many coroutines of which every one waits for its commit before the next:

- `ours`: `chat.ws.sends`, as the socket's handler does; announcing included.
- `orm`: statement by statement through the ORM, in Channels' one thread for the database.
- `statement`: all in one round trip on a pool of asynchronous connections. A function of the
  database, because the question whether the id is known must see what the lock waited for. It does
  less than ours: it announces nothing, looks for no mention or reply, and leaves the sender's own
  place in the conversation as it is. Durability, tables and indexes are the same.
- `single`: our own action, but for one message at a time.

Prints JSON: by number of senders and path, a result for each round; the paths take turns.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import django
import uvloop

from bench.generator.load import BODY_CHARS
from bench.measures import spread, usage

if TYPE_CHECKING:
    from accounts.models import User
    from chat.actions.sending import Draft

_GROUPS = 100
_MEMBERS = 10
_BODY = "x" * BODY_CHARS
_FUNCTION = """
CREATE FUNCTION bench_send(conversation uuid, person uuid, message uuid, text text, print bytea)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE place bigint; known bigint;
BEGIN
  PERFORM 1 FROM chat_conversation WHERE id = conversation FOR UPDATE;
  PERFORM 1 FROM chat_membership
    WHERE conversation_id = conversation AND user_id = person AND left_at IS NULL;
  IF NOT FOUND THEN RAISE 'no member'; END IF;
  SELECT seq INTO known FROM chat_message WHERE id = message;
  IF FOUND THEN RETURN known; END IF;
  UPDATE chat_conversation
    SET last_seq = last_seq + 1, version = version + 1, last_message_at = now()
    WHERE id = conversation RETURNING last_seq INTO place;
  INSERT INTO chat_message (id, conversation_id, seq, version, sender_id, kind, body, mentioned,
      fingerprint, created_at)
    SELECT message, conversation, last_seq, version, person, 'text', text, '[]', print, now()
    FROM chat_conversation WHERE id = conversation;
  RETURN place;
END $$
"""

Send = Callable[["User", str], Awaitable[object]]


async def _ours(user: "User", conversation: str) -> object:
    from chat.actions.sending import Draft

    return await as_the_handler(Draft(user, uuid.UUID(conversation), uuid.uuid4(), _BODY))


async def as_the_handler(draft: "Draft") -> object:
    """Send it as `chat.ws.posting` does: at once if that can be, else in turn."""
    from chat.ws.sends import send_queue

    sent: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    if send_queue().begin(draft, sent.set_result) and await sent:
        return sent.result()
    return await send_queue().send(draft)


async def _single(user: "User", conversation: str) -> object:
    from chat.actions.sending import Draft, send_messages
    from pneumatic.lib.database.threads import in_database

    draft = Draft(user, uuid.UUID(conversation), uuid.uuid4(), _BODY)
    return await in_database(send_messages, drafts=[draft])


def _by_orm(user: "User", conversation_id: str) -> None:
    from django.db import transaction
    from django.utils import timezone

    from chat.models import Conversation, Membership, Message

    message_id = uuid.uuid4()
    with transaction.atomic():
        Membership.objects.get(conversation__id=conversation_id, user=user, left_at=None)
        conversation = Conversation.objects.select_for_update().get(id=conversation_id)
        if Message.objects.filter(id=message_id).exists():
            return
        conversation.last_seq += 1
        conversation.version += 1
        conversation.last_message_at = timezone.now()
        conversation.save()
        Message.objects.create(
            id=message_id,
            conversation=conversation,
            seq=conversation.last_seq,
            version=conversation.version,
            sender=user,
            body=_BODY,
            fingerprint=Message.fingerprint_of(message_id, _BODY, None),
            created_at=conversation.last_message_at,
        )


async def _orm(user: "User", conversation: str) -> object:
    from channels.db import database_sync_to_async

    await database_sync_to_async(_by_orm)(user, conversation)
    return None


async def _statement() -> Send:
    from django.db import connection
    from psycopg_pool import AsyncConnectionPool

    from chat.models import Message

    asked = connection.get_connection_params()
    wanted = ("host", "port", "user", "password", "dbname")
    pool = AsyncConnectionPool(
        kwargs={**{key: asked[key] for key in wanted}, "autocommit": True},
        min_size=16,
        max_size=16,
        open=False,
    )
    await pool.open(wait=True)
    async with pool.connection() as each:
        await each.execute(_FUNCTION)

    async def send(user: "User", conversation: str) -> object:
        message_id = uuid.uuid4()
        printed = Message.fingerprint_of(message_id, _BODY, None)
        async with pool.connection() as each:
            return await each.execute(
                "SELECT bench_send(%s, %s, %s, %s, %s)",
                (conversation, user.id, message_id, _BODY, printed),
                prepare=True,
            )

    return send


async def _round(send: Send, seats: list[tuple["User", str]], seconds: float) -> dict[str, Any]:
    times: list[float] = []
    running = True

    async def write(user: "User", conversation: str) -> None:
        while running:
            begun = time.monotonic()
            await send(user, conversation)
            times.append(time.monotonic() - begun)

    tasks = [asyncio.create_task(write(*seat)) for seat in seats]
    await asyncio.sleep(0.5)
    times.clear()
    before = usage(["self"])
    await asyncio.sleep(seconds)
    after, done = usage(["self"]), list(times)
    running = False
    await asyncio.gather(*tasks)
    took = after.at - before.at
    return {
        "per_s": round(len(done) / took, 1),
        "ms": spread(done, 1e3),
        "cpu_ms_each": round((after.cpu - before.cpu) * 1e3 / max(1, len(done)), 3),
        "share": round((after.cpu - before.cpu) / took, 3),
    }


async def _measure(
    seats: list[tuple["User", str]],
    paths: list[str],
    senders: list[int],
    seconds: float,
    rounds: int,
) -> dict[str, Any]:
    from chat.ws.hub import close_hub, hub

    # As a server does before anybody comes: its bus carries what is announced.
    await hub().start()
    sends: dict[str, Send] = {"ours": _ours, "single": _single, "orm": _orm}
    if "statement" in paths:
        sends["statement"] = await _statement()
    found: dict[str, Any] = {}
    for number in senders:
        for _ in range(rounds):
            for path in paths:
                done = await _round(sends[path], seats[:number], seconds)
                found.setdefault(str(number), {}).setdefault(path, []).append(done)
    await close_hub()
    return found


def main() -> None:
    django.setup()
    from django.core.management import call_command

    from bench.seeding import make_groups, make_people

    call_command("migrate", verbosity=0)
    paths, senders = sys.argv[1].split(","), [int(each) for each in sys.argv[2].split(",")]
    seconds, rounds = float(sys.argv[3]), int(sys.argv[4])
    users = make_people(_GROUPS * _MEMBERS)
    groups = make_groups(users, _MEMBERS, 1)
    seats = [(users[places[n]], group) for n in range(_MEMBERS) for group, places in groups]
    found = uvloop.run(_measure(seats, paths, senders, seconds, rounds))
    json.dump(found, sys.stdout)
    # Threads and pools end with the process.
    sys.stdout.flush()


if __name__ == "__main__":
    main()
