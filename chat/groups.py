"""Names of the channel-layer groups."""

from typing import Final
from uuid import UUID

#: Comings and goings of people, heard by every process.
PRESENCE: Final = "presence"
_CONVERSATION: Final = "conversation."
_USER: Final = "user."
_SESSION: Final = "session."


def conversation(conversation_id: UUID | str) -> str:
    return f"{_CONVERSATION}{conversation_id}"


def user(user_id: UUID | str) -> str:
    return f"{_USER}{user_id}"


def session(session_id: UUID | str) -> str:
    return f"{_SESSION}{session_id}"
