"""The chat's REST addresses, under /api/v1/."""

from django.urls import path
from django.urls.resolvers import URLPattern, URLResolver

from chat.api.conversations import ConversationDoor, ConversationsDoor, DirectDoor, ReadDoor
from chat.api.members import MemberDoor, MembersDoor
from chat.api.messages import MessageDoor, MessagesDoor
from chat.api.people import OwnProfileDoor, PeopleDoor
from chat.api.sync import SyncDoor

_ONE = "conversations/<uuid:conversation_id>/"

api_urlpatterns: list[URLPattern | URLResolver] = [
    path("users/", PeopleDoor.as_view({"get": "search"}), name="api-users"),
    path(
        "users/me/",
        OwnProfileDoor.as_view({"get": "read", "patch": "change"}),
        name="api-users-me",
    ),
    path("users/<uuid:user_id>/", PeopleDoor.as_view({"get": "read"}), name="api-user"),
    path(
        "conversations/",
        ConversationsDoor.as_view({"get": "index", "post": "create"}),
        name="api-conversations",
    ),
    path(
        "conversations/direct/",
        DirectDoor.as_view({"post": "create"}),
        name="api-conversations-direct",
    ),
    path(
        _ONE,
        ConversationDoor.as_view({"get": "read", "patch": "change", "delete": "close"}),
        name="api-conversation",
    ),
    path(f"{_ONE}read/", ReadDoor.as_view({"post": "move"}), name="api-conversation-read"),
    path(
        f"{_ONE}members/",
        MembersDoor.as_view({"get": "index", "post": "add"}),
        name="api-members",
    ),
    path(
        f"{_ONE}members/<uuid:user_id>/",
        MemberDoor.as_view({"get": "read", "patch": "change", "delete": "remove"}),
        name="api-member",
    ),
    path(
        f"{_ONE}messages/",
        MessagesDoor.as_view({"get": "index", "post": "send"}),
        name="api-messages",
    ),
    path(
        f"{_ONE}messages/<uuid:message_id>/",
        MessageDoor.as_view({"get": "read", "patch": "edit", "delete": "remove"}),
        name="api-message",
    ),
    path("sync/", SyncDoor.as_view({"post": "sync"}), name="api-sync"),
]
