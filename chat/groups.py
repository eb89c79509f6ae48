"""Names of the channel-layer groups."""

from typing import Final
from uuid import UUID

#: Comings and goings of people, heard by every process.
PRESENCE: Final = "presence"
#: Ends of sessions, heard by every process: they are few, and devices many.
SESSIONS: Final = "sessions"
_CONVERSATION: Final = "conversation."
_USER: Final = "user."


def conversation(conversation_id: UUID | str) -> str:
    return f"{_CONVERSATION}{conversation_id}"


def conversation_of(group: str) -> str | None:
    """The id of the conversation whose group this is; None for a group of another kind."""
    return group.removeprefix(_CONVERSATION) if group.startswith(_CONVERSATION) else None


def user(user_id: UUID | str) -> str:
    return f"{_USER}{user_id}"
