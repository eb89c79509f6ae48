"""What all REST doors of the chat share: who asks, and what they want."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from accounts.models import User
from chat.api.serializers import Nothing
from chat.models import Conversation
from pneumatic.lib.http.serializers import StrictSerializer, parsed

# Generic for the type checker only.
if TYPE_CHECKING:
    _ViewSet = GenericViewSet[Any]
else:
    _ViewSet = GenericViewSet


class Door(_ViewSet):
    """A viewset whose every action is: parse, one action of the chat, present."""

    #: Which serializer parses the body of each action; the browsable API makes its forms of them.
    forms: ClassVar[Mapping[str, type[StrictSerializer]]] = {}
    # DRF asks every view with lists for one, to offer filters. Ours read through chat.queries.
    queryset = Conversation.objects.none()

    def get_serializer_class(self) -> type[StrictSerializer]:
        action = self.action_map.get((self.request.method or "").lower(), "")
        return self.forms.get(action, Nothing)

    @property
    def person(self) -> User:
        """Who asks; the permission lets nobody else in."""
        return cast(User, self.request.user)

    def wishes(self, request: Request) -> dict[str, Any]:
        """The body, parsed by the action's serializer. Raises `ValidationError`."""
        return parsed(self.get_serializer(data=request.data))
