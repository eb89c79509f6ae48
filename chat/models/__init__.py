"""One module per aggregate; imported from here."""

from chat.models.conversation import Conversation, History
from chat.models.membership import Membership
from chat.models.message import Mention, Message
from chat.models.unheard import Unheard

__all__ = ["Conversation", "History", "Membership", "Mention", "Message", "Unheard"]
