"""Who is writing; nothing is stored."""

from uuid import UUID

from accounts.models import User
from chat import fanout
from chat.queries import ended_version_for


def set_typing(*, user: User, conversation_id: UUID, on: bool) -> None:
    """Tell the other members; it holds for `limits.TYPING_SECONDS` unless said again."""
    ended = ended_version_for(user.id, conversation_id)
    fanout.typing(conversation_id, user.id, on=on, ended=ended)
