"""A device's message: paid for, stored and acknowledged.

At once, where nothing has to be waited for but the database: then no task is made for it. What
follows from the same device is held until it is acknowledged.
"""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from chat import metrics, presenters, protocol
from chat.actions.sending import Busy, Draft, Sent
from chat.ws.incoming import Work
from chat.ws.problems import tell_failure
from chat.ws.sends import send_queue
from pneumatic.lib.errors import RateLimited
from pneumatic.lib.metrics import rate_limited
from pneumatic.lib.shared.ratelimit import user_budget, user_key
from pneumatic.lib.shared.spending import aspend_often, spend_at_once

if TYPE_CHECKING:
    from chat.ws.consumer import ChatConsumer


def begin_post(socket: "ChatConsumer", command: protocol.Send) -> Work | None:
    """Send the message of a signed-in device at once, or return what is to be awaited for that.

    Raises the `ProblemError` that is known before.
    """
    assert socket.identity is not None  # noqa: S101  # it is signed in
    began = asyncio.get_running_loop().time()
    sender = socket.identity.user
    draft = Draft(sender, command.conversation, command.id, command.body, command.reply_to)
    # Out of the budget that REST has as well.
    if not spend_at_once(user_budget(), user_key(socket.user_text)):
        return partial(_pay_and_send, socket, command, draft)
    if not send_queue().begin(draft, partial(_ended_at_once, socket, command, draft, began)):
        return partial(_send_in_turn, socket, command, draft)
    socket.incoming.hold()
    return None


def _ended_at_once(
    socket: "ChatConsumer",
    command: protocol.Send,
    draft: Draft,
    began: float,
    sent: Sent | Busy | None,
) -> None:
    if not isinstance(sent, Sent):
        socket.go_on(command, partial(_send_in_turn, socket, command, draft, began))
        return
    try:
        _acknowledge(socket, command, sent)
    except Exception as error:
        tell_failure(socket, command, error)
    finally:
        socket.incoming.release()


async def _pay_and_send(socket: "ChatConsumer", command: protocol.Send, draft: Draft) -> None:
    wait = await aspend_often(user_budget(), user_key(socket.user_text))
    if wait:
        rate_limited("user")
        raise RateLimited(retry_after=round(wait, 3))
    await _send_in_turn(socket, command, draft)


async def _send_in_turn(
    socket: "ChatConsumer", command: protocol.Send, draft: Draft, began: float | None = None
) -> None:
    _acknowledge(socket, command, await send_queue().send(draft, began))


def _acknowledge(socket: "ChatConsumer", command: protocol.Send, sent: Sent) -> None:
    if not sent.duplicate:
        metrics.messages_by("socket").inc()
    socket.tell(
        protocol.Ack(
            ref=command.ref,
            id=sent.message.id,
            conversation=sent.message.conversation_id,
            seq=sent.message.seq,
            version=sent.message.version,
            created_at=presenters.time(sent.message.created_at),
            duplicate=sent.duplicate,
        )
    )
