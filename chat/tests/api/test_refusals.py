"""What nobody gets past, at every door of the chat: generated from the URLconf."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from django.urls.resolvers import URLPattern

from accounts.models import User
from chat.actions.members import remove_member
from chat.models import Conversation, Message
from chat.tests.api.conftest import As, Client
from chat.urls import api_urlpatterns
from pneumatic.testing.factories import World, say

pytestmark = pytest.mark.usefixtures("published")

#: A body that each writing door would take from somebody who may.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("api-users-me", "patch"): {"display_name": "Alice"},
    ("api-conversations", "post"): {
        "id": str(uuid4()),
        "kind": "group",
        "title": "New",
        "members": [],
    },
    ("api-conversations-direct", "post"): {"user": str(uuid4())},
    ("api-conversation", "patch"): {"title": "New"},
    ("api-conversation-read", "post"): {"seq": 1},
    ("api-members", "post"): {"user": str(uuid4())},
    ("api-member", "patch"): {"role": "admin"},
    ("api-messages", "post"): {"id": str(uuid4()), "body": "hello"},
    ("api-message", "patch"): {"body": "hello"},
    ("api-sync", "post"): {"epoch": None, "versions": {}},
}
WITHOUT_BODY = {
    ("api-users", "get"),
    ("api-users-me", "get"),
    ("api-user", "get"),
    ("api-conversations", "get"),
    ("api-conversation", "get"),
    ("api-conversation", "delete"),
    ("api-members", "get"),
    ("api-member", "get"),
    ("api-member", "delete"),
    ("api-messages", "get"),
    ("api-message", "get"),
    ("api-message", "delete"),
}


class Door(NamedTuple):
    name: str
    verb: str
    route: str

    def path(self, **ids: UUID) -> str:
        route = self.route
        for name, value in ids.items():
            route = route.replace(f"<uuid:{name}>", str(value))
        return route

    def knock(self, client: Client, path: str) -> Any:
        return getattr(client, self.verb)(path, BODIES.get((self.name, self.verb)))


def doors() -> Iterator[Door]:
    for pattern in api_urlpatterns:
        assert isinstance(pattern, URLPattern)
        actions: dict[str, str] = vars(pattern.callback)["actions"]
        for verb in actions:
            if verb != "head":
                yield Door(str(pattern.name), verb, str(pattern.pattern))


DOORS = list(doors())
OF_A_CONVERSATION = [door for door in DOORS if "<uuid:conversation_id>" in door.route]
WRITING = [door for door in DOORS if (door.name, door.verb) in BODIES]


def named(door: Door) -> str:
    return f"{door.verb} {door.route}"


def state() -> list[Any]:
    return [
        *Conversation.objects.order_by("id").values(),
        *Message.objects.order_by("id").values("id", "version", "body"),
    ]


def test_every_door_is_known_here() -> None:
    assert {(door.name, door.verb) for door in DOORS} == set(BODIES) | WITHOUT_BODY


@pytest.mark.parametrize("door", DOORS, ids=named)
def test_no_door_opens_for_nobody(world: World, anonymous: Client, door: Door) -> None:
    path = door.path(conversation_id=world.group.id, user_id=world.bob.id, message_id=uuid4())
    answer = door.knock(anonymous, path)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("door", OF_A_CONVERSATION, ids=named)
@pytest.mark.parametrize("who", ["stranger", "former member"])
def test_who_is_not_in_finds_nothing_and_changes_nothing(
    world: World, as_: As, door: Door, who: str
) -> None:
    message = say(world.bob, world.group)
    asking: User = world.charlie
    if who == "former member":
        asking = world.bob
        remove_member(remover=world.bob, conversation_id=world.group.id, user_id=world.bob.id)
    before = state()
    ids = {"user_id": world.alice.id, "message_id": message.id}
    real = door.knock(as_(asking), door.path(conversation_id=world.group.id, **ids))
    unreal = door.knock(as_(asking), door.path(conversation_id=uuid4(), **ids))
    assert (real.status_code, real.json()["code"]) == (404, "not_found")
    # What exists can't be told from what doesn't.
    assert {**unreal.json(), "request_id": ""} == {**real.json(), "request_id": ""}
    assert state() == before


@pytest.mark.parametrize("door", WRITING, ids=named)
def test_an_unknown_field_is_refused_by_name(world: World, as_: As, door: Door) -> None:
    message = say(world.alice, world.group)
    before = state()
    path = door.path(conversation_id=world.group.id, user_id=world.bob.id, message_id=message.id)
    body = BODIES[door.name, door.verb] | {"surprise": 1}
    answer = getattr(as_(world.alice), door.verb)(path, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["errors"] == {"surprise": ["This field is not known here."]}
    assert state() == before


#: What only the server sets, or another door.
FORBIDDEN = [
    *("role", "is_staff", "is_superuser", "is_active", "user_permissions", "groups", "password"),
    *("sender", "seq", "version", "created_at", "edited_at", "deleted_at", "conversation", "kind"),
    *("owner", "created_by", "last_seq", "history_from", "email_verified"),
]


@pytest.mark.parametrize("door", WRITING, ids=named)
def test_what_is_not_the_senders_to_set_is_refused_by_name(
    world: World, as_: As, door: Door
) -> None:
    message = say(world.alice, world.group)
    before = [*state(), *User.objects.order_by("id").values()]
    path = door.path(conversation_id=world.group.id, user_id=world.bob.id, message_id=message.id)
    body = BODIES[door.name, door.verb]
    # Who adds somebody says as what.
    known = {*body, "role"} if door.name == "api-members" else set(body)
    alien = {name: 1 for name in FORBIDDEN if name not in known}
    answer = getattr(as_(world.alice), door.verb)(path, body | alien)
    assert answer.status_code == 400
    assert answer.json()["errors"] == {name: ["This field is not known here."] for name in alien}
    assert [*state(), *User.objects.order_by("id").values()] == before


def test_nobody_registers_with_powers(world: World, anonymous: Client) -> None:
    body = {"username": "dora", "email": "dora@example.org", "password": "nine blue candles"}
    alien = {name: 1 for name in FORBIDDEN if name not in body}
    answer = anonymous.post("auth/register/", body | alien)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == set(alien)
    assert not User.objects.filter(username="dora").exists()


HOSTILE = {
    "not JSON": b"{",
    "a list": b"[]",
    "a text": b'"hello"',
    "null": b"null",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "NaN": b'{"seq": NaN}',
    "an endless number": b'{"seq": ' + b"9" * 5_000 + b"}",
    "NUL in a text": b'{"body": "a\\u0000b"}',
    "NUL in a name": b'{"a\\u0000b": 1}',
    "half a surrogate pair": b'{"body": "\\ud800"}',
    "bytes that are no UTF-8": b'{"body": "\xff"}',
    "a name twice": b'{"body": "a", "body": "b"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "ten thousand unknown names": json.dumps({f"n{i}": 1 for i in range(10_000)}).encode(),
}


@pytest.mark.parametrize("door", WRITING, ids=named)
def test_hostile_bodies_are_refused_and_never_break_anything(
    world: World, as_: As, door: Door
) -> None:
    message = say(world.alice, world.group)
    before = state()
    path = door.path(conversation_id=world.group.id, user_id=world.bob.id, message_id=message.id)
    client = as_(world.alice)
    for name, raw in HOSTILE.items():
        answer = client.generic(door.verb.upper(), path, raw, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), name
        assert len(answer.content) < 10_000, name
    large = b'{"body": "' + b"a" * 1_100_000 + b'"}'
    answer = client.generic(door.verb.upper(), path, large, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert state() == before


@pytest.mark.parametrize("field", ["body", "title", "display_name"])
def test_text_that_cannot_be_stored_is_refused_in_the_field_itself(
    world: World, as_: As, field: str
) -> None:
    """Past the parser, for a form or a test client that makes its values in another way."""
    path, verb = {
        "body": (f"conversations/{world.group.id}/messages/", "post"),
        "title": (f"conversations/{world.group.id}/", "patch"),
        "display_name": ("users/me/", "patch"),
    }[field]
    extra = {"id": str(uuid4())} if field == "body" else {}
    answer = getattr(as_(world.alice), verb)(path, {**extra, field: "a" * 70_000})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_other_kinds_of_body_are_not_taken(world: World, as_: As) -> None:
    path = f"/api/v1/conversations/{world.group.id}/messages/"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = as_(world.alice).generic("POST", path, b"body=hello", content_type=kind)
        assert (answer.status_code, answer.json()["code"]) == (415, "invalid"), kind


def test_ids_that_are_none_lead_nowhere(world: World, as_: As) -> None:
    for path in ("conversations/1/", "conversations/me/messages/", "users/%00/"):
        answer = as_(world.alice).get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
