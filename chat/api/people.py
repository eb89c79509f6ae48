"""`users/`: finding people, and one's own profile."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.queries import search_people
from chat import presenters, protocol
from chat.actions.profiles import change_profile
from chat.api.answers import OwnPerson, PeoplePage
from chat.api.base import Door
from chat.api.serializers import PeopleQuery, ProfileSerializer
from chat.errors import NoSuchPerson
from pneumatic.lib.http.paging import asked

FOUND_AT_MOST = 20


class PeopleDoor(Door):
    """Everybody who has an account."""

    @extend_schema(
        operation_id="users_search", parameters=[PeopleQuery], responses={200: PeoplePage}
    )
    def search(self, request: Request) -> Response:
        """Find people by the beginning of their username or display name; at most 20."""
        query = asked(request, PeopleQuery)["q"]
        people = search_people(query, asking=self.person, limit=FOUND_AT_MOST)
        return Response(PeoplePage([presenters.person(each) for each in people]))

    @extend_schema(operation_id="users_read", responses={200: protocol.Person})
    def read(self, request: Request, user_id: UUID) -> Response:
        """One person."""
        found = User.objects.filter(id=user_id, is_active=True).first()
        if found is None:
            raise NoSuchPerson
        return Response(presenters.person(found))


class OwnProfileDoor(Door):
    """Oneself."""

    forms = {"change": ProfileSerializer}

    @extend_schema(operation_id="users_me", responses={200: OwnPerson})
    def read(self, request: Request) -> Response:
        """Oneself, as signed in."""
        return Response(_own(self.person))

    @extend_schema(
        operation_id="users_me_change", request=ProfileSerializer, responses={200: OwnPerson}
    )
    def change(self, request: Request) -> Response:
        """Change the name that others see; every device in one's conversations shows it."""
        return Response(_own(change_profile(user=self.person, **self.wishes(request))))


def _own(user: User) -> OwnPerson:
    person = presenters.person(user)
    return OwnPerson(
        id=person.id,
        username=person.username,
        display_name=person.display_name,
        avatar=person.avatar,
        email=user.email,
    )
