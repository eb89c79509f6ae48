"""`conversations/{id}/messages/`: what was said, and saying something."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chat import metrics, presenters, protocol
from chat.actions.messages import delete_message, edit_message
from chat.actions.sending import send_message
from chat.api.answers import MessagePage
from chat.api.base import Door
from chat.api.schema import CONFLICT
from chat.api.serializers import BodySerializer, HistoryQuery, MessageSerializer
from chat.queries import conversation_for, message_for, page
from pneumatic.lib.http.paging import asked


class MessagesDoor(Door):
    """The messages of a conversation."""

    forms = {"send": MessageSerializer}

    @extend_schema(
        operation_id="messages_index",
        tags=["messages"],
        parameters=[HistoryQuery],
        responses={200: MessagePage},
    )
    def index(self, request: Request, conversation_id: UUID) -> Response:
        """A page of history, ascending: the newest, or before, after or around a place."""
        wishes = asked(request, HistoryQuery)
        found = page(
            self.person,
            conversation_id,
            before=wishes.get("before_seq"),
            after=wishes.get("after_seq"),
            around=wishes.get("around_seq"),
            limit=wishes["limit"],
        )
        rows = [presenters.message(each) for each in found.messages]
        return Response(MessagePage(rows, found.has_before, found.has_after))

    @extend_schema(
        operation_id="messages_send",
        tags=["messages"],
        request=MessageSerializer,
        responses={201: protocol.MessageRow, 200: protocol.MessageRow, **CONFLICT},
    )
    def send(self, request: Request, conversation_id: UUID) -> Response:
        """Send a message. Again with the same id: the same message, with status 200."""
        wishes = self.wishes(request)
        sent = send_message(
            sender=self.person,
            conversation_id=conversation_id,
            id=wishes["id"],
            body=wishes["body"],
            reply_to=wishes["reply_to"],
        )
        if not sent.duplicate:
            metrics.messages_by("rest").inc()
        return Response(presenters.message(sent.message), status=200 if sent.duplicate else 201)


class MessageDoor(Door):
    """One message."""

    forms = {"edit": BodySerializer}

    @extend_schema(
        operation_id="messages_read", tags=["messages"], responses={200: protocol.MessageRow}
    )
    def read(self, request: Request, conversation_id: UUID, message_id: UUID) -> Response:
        """The message; a deleted one has an empty body and `deleted_at`."""
        seat = conversation_for(self.person, conversation_id)
        return Response(presenters.message(message_for(seat, message_id)))

    @extend_schema(
        operation_id="messages_edit",
        tags=["messages"],
        request=BodySerializer,
        responses={200: protocol.MessageRow},
    )
    def edit(self, request: Request, conversation_id: UUID, message_id: UUID) -> Response:
        """Replace the text of one's own message."""
        message = edit_message(
            editor=self.person,
            conversation_id=conversation_id,
            message_id=message_id,
            body=self.wishes(request)["body"],
        )
        return Response(presenters.message(message))

    @extend_schema(operation_id="messages_delete", tags=["messages"], responses={204: None})
    def remove(self, request: Request, conversation_id: UUID, message_id: UUID) -> Response:
        """Delete one's own message for everyone, or anybody's in a group that one manages."""
        delete_message(deleter=self.person, conversation_id=conversation_id, message_id=message_id)
        return Response(status=204)
