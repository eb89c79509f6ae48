"""`conversations/`: the ones that one is in, how far one has read them, and beginning others."""

from functools import partial
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from chat import presenters, protocol
from chat.actions.conversations import Begun, change_group, close_group, create_group, open_direct
from chat.actions.receipts import mark_read
from chat.api.answers import ConversationPage, ReadPosition
from chat.api.base import Door
from chat.api.schema import CONFLICT
from chat.api.serializers import (
    DirectSerializer,
    GroupChangeSerializer,
    GroupSerializer,
    ReadSerializer,
)
from chat.queries import conversation_for, conversations_of
from pneumatic.lib.http.paging import ByUUID, PageQuery


class ConversationsDoor(Door):
    """All conversations of the person who asks."""

    forms = {"create": GroupSerializer}

    @extend_schema(
        operation_id="conversations_index",
        parameters=[PageQuery],
        responses={200: ConversationPage},
    )
    def index(self, request: Request) -> Response:
        """The conversations that one is in, the newest first."""
        page = ByUUID("-id").turn(partial(conversations_of, self.person), request)
        rows = [presenters.conversation(each, each) for each in page.rows]
        return Response(ConversationPage(page.next, page.previous, rows))

    @extend_schema(
        operation_id="conversations_create",
        request=GroupSerializer,
        responses={
            201: protocol.ConversationRow,
            200: protocol.ConversationRow,
            **CONFLICT,
        },
    )
    def create(self, request: Request) -> Response:
        """Begin a group. Again with the same id: the group as it is now, with status 200."""
        wishes = self.wishes(request)
        return _begun(
            create_group(
                creator=self.person,
                id=wishes["id"],
                title=wishes["title"],
                member_ids=wishes["members"],
            )
        )


class DirectDoor(Door):
    """The conversation of two people."""

    forms = {"create": DirectSerializer}

    @extend_schema(
        operation_id="conversations_direct",
        request=DirectSerializer,
        responses={201: protocol.ConversationRow, 200: protocol.ConversationRow},
    )
    def create(self, request: Request) -> Response:
        """The one direct conversation with this person; begun now if there is none yet."""
        return _begun(open_direct(user=self.person, other_id=self.wishes(request)["user"]))


class ConversationDoor(Door):
    """One conversation."""

    forms = {"change": GroupChangeSerializer}

    @extend_schema(operation_id="conversations_read", responses={200: protocol.ConversationRow})
    def read(self, request: Request, conversation_id: UUID) -> Response:
        """The conversation, with one's own part in it."""
        return Response(_seen_by(self.person, conversation_id))

    @extend_schema(
        operation_id="conversations_change",
        request=GroupChangeSerializer,
        responses={200: protocol.ConversationRow},
    )
    def change(self, request: Request, conversation_id: UUID) -> Response:
        """Rename a group or change its topic; for its owner and admins."""
        change_group(changer=self.person, conversation_id=conversation_id, **self.wishes(request))
        return Response(_seen_by(self.person, conversation_id))

    @extend_schema(operation_id="conversations_close", responses={204: None})
    def close(self, request: Request, conversation_id: UUID) -> Response:
        """Close a group for everybody; for its owner. Nobody reads it any more."""
        close_group(closer=self.person, conversation_id=conversation_id)
        return Response(status=204)


class ReadDoor(Door):
    """How far one has read."""

    forms = {"move": ReadSerializer}

    @extend_schema(
        operation_id="conversations_mark_read",
        request=ReadSerializer,
        responses={200: ReadPosition},
    )
    def move(self, request: Request, conversation_id: UUID) -> Response:
        """Say that everything up to `seq` is read; it never moves backwards."""
        seq = self.wishes(request)["seq"]
        at = mark_read(user=self.person, conversation_id=conversation_id, seq=seq)
        mine = presenters.own_part(*conversation_for(self.person, conversation_id))
        return Response(
            ReadPosition(
                read_seq=at.read_seq,
                delivered_seq=at.delivered_seq,
                unread=mine.unread,
                mentions=mine.mentions,
            )
        )


def _begun(begun: Begun) -> Response:
    row = presenters.conversation(*begun.seat)
    return Response(row, status=201 if begun.created else 200)


def _seen_by(person: User, conversation_id: UUID) -> protocol.ConversationRow:
    return presenters.conversation(*conversation_for(person, conversation_id))
