"""What a device is told of what went wrong."""

from typing import TYPE_CHECKING

import structlog

from chat import protocol
from pneumatic.lib.errors import ProblemError, Unavailable

if TYPE_CHECKING:
    from chat.ws.consumer import ChatConsumer

log = structlog.get_logger(__name__)


def error_event(problem: ProblemError, ref: str | None) -> protocol.ErrorEvent:
    return protocol.ErrorEvent(
        ref=ref,
        code=problem.code,
        detail=problem.detail,
        errors=problem.fields,
        retry_after=problem.retry_after,
    )


def tell_failure(socket: "ChatConsumer", command: protocol.Command, error: Exception) -> None:
    """Answer a command that failed."""
    if not isinstance(error, ProblemError):
        # A defect of ours must not cost the device its socket; that the id makes a repeat safe is
        # what `unavailable` says.
        log.error("frame_failed", frame=type(command).__name__, exc_info=error)
        error = Unavailable(retry_after=5)
    socket.tell(error_event(error, command.ref))
