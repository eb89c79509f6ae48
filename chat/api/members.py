"""`conversations/{id}/members/`: who is in, as what."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chat import presenters, protocol
from chat.actions.members import add_member, change_role, remove_member
from chat.api.answers import MemberPage
from chat.api.base import Door
from chat.api.serializers import NewMemberSerializer, RoleSerializer
from chat.queries import conversation_for, member_for, members_of, still_there
from pneumatic.lib.http.paging import ByUUID, PageQuery


class MembersDoor(Door):
    """All members of a conversation."""

    forms = {"add": NewMemberSerializer}

    @extend_schema(
        operation_id="members_index",
        tags=["members"],
        parameters=[PageQuery],
        responses={200: MemberPage},
    )
    def index(self, request: Request, conversation_id: UUID) -> Response:
        """Who is in the conversation now, by the id of the person."""
        seat = conversation_for(self.person, conversation_id)
        page = ByUUID("user_id").turn(members_of(seat.conversation.id), request)
        still_there(seat)
        rows = [presenters.member(each) for each in page.rows]
        return Response(MemberPage(page.next, page.previous, rows))

    @extend_schema(
        operation_id="members_add",
        tags=["members"],
        request=NewMemberSerializer,
        responses={201: protocol.MemberRow, 200: protocol.MemberRow},
    )
    def add(self, request: Request, conversation_id: UUID) -> Response:
        """Bring a person into a group. Who is in already stays as they are, with status 200."""
        wishes = self.wishes(request)
        membership, new = add_member(
            adder=self.person,
            conversation_id=conversation_id,
            user_id=wishes["user"],
            role=wishes["role"],
        )
        return Response(presenters.member(membership), status=201 if new else 200)


class MemberDoor(Door):
    """One member of a conversation."""

    forms = {"change": RoleSerializer}

    @extend_schema(
        operation_id="members_read", tags=["members"], responses={200: protocol.MemberRow}
    )
    def read(self, request: Request, conversation_id: UUID, user_id: UUID) -> Response:
        """One who is in the conversation now."""
        seat = conversation_for(self.person, conversation_id)
        return Response(presenters.member(member_for(seat, user_id)))

    @extend_schema(
        operation_id="members_change",
        tags=["members"],
        request=RoleSerializer,
        responses={200: protocol.MemberRow},
    )
    def change(self, request: Request, conversation_id: UUID, user_id: UUID) -> Response:
        """Give a member another role; for the owner. A new owner makes the old one an admin."""
        membership = change_role(
            changer=self.person,
            conversation_id=conversation_id,
            user_id=user_id,
            role=self.wishes(request)["role"],
        )
        return Response(presenters.member(membership))

    @extend_schema(operation_id="members_remove", tags=["members"], responses={204: None})
    def remove(self, request: Request, conversation_id: UUID, user_id: UUID) -> Response:
        """Take a person out of a group, or leave it oneself."""
        remove_member(remover=self.person, conversation_id=conversation_id, user_id=user_id)
        return Response(status=204)
