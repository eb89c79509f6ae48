"""Django Channels as its tutorial has it: a consumer a socket, each in the conversation's group.

With REDIS_URL over the Redis pub/sub layer, else in memory. With DATABASE_URL each message is first
stored through the ORM, statement by statement: who is a member, a place under the row's lock, the
message. `python -m bench.references.naive_channels`; `… setup CONVERSATIONS MEMBERS` makes tables.
"""

import os
import sys
import uuid
from pathlib import Path
from typing import Any

import django
from django.conf import settings

from pneumatic.lib.config import env

REDIS_URL = os.environ.get("REDIS_URL")
STORES = bool(os.environ.get("DATABASE_URL"))
_LAYERS: dict[bool, dict[str, Any]] = {
    True: {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    },
    False: {"BACKEND": "channels.layers.InMemoryChannelLayer"},
}
_DATABASE = {**env.database("DATABASE_URL", Path()), "CONN_MAX_AGE": 600}
settings.configure(
    INSTALLED_APPS=["channels", "bench.references"],
    DATABASES={"default": _DATABASE if STORES else {}},
    CHANNEL_LAYERS={"default": _LAYERS[bool(REDIS_URL)]},
    ALLOWED_HOSTS=["*"],
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from channels.db import database_sync_to_async  # noqa: E402
from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.urls import path  # noqa: E402


class Conversation(models.Model):
    id = models.UUIDField(primary_key=True)
    last_seq = models.PositiveBigIntegerField(default=0)

    class Meta:
        app_label = "references"


class Member(models.Model):
    conversation = models.ForeignKey(Conversation, models.CASCADE)
    user = models.PositiveIntegerField()

    class Meta:
        app_label = "references"
        constraints = (models.UniqueConstraint(fields=("conversation", "user"), name="member"),)


class Message(models.Model):
    id = models.UUIDField(primary_key=True)
    conversation = models.ForeignKey(Conversation, models.CASCADE)
    seq = models.PositiveBigIntegerField()
    sender = models.PositiveIntegerField()
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "references"
        constraints = (models.UniqueConstraint(fields=("conversation", "seq"), name="place"),)


def store(conversation_id: str, sender: int, message_id: str, body: str) -> int:
    """The message's place."""
    with transaction.atomic():
        Member.objects.get(conversation=conversation_id, user=sender)
        conversation = Conversation.objects.select_for_update().get(id=conversation_id)
        known = Message.objects.filter(id=message_id).first()
        if known:
            return known.seq
        conversation.last_seq += 1
        conversation.save()
        Message.objects.create(
            id=message_id,
            conversation=conversation,
            seq=conversation.last_seq,
            sender=sender,
            body=body,
        )
    return conversation.last_seq


class ChatConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self) -> None:
        kwargs = self.scope["url_route"]["kwargs"]
        self.conversation, self.user = str(kwargs["conversation"]), kwargs["user"]
        await self.channel_layer.group_add(self.conversation, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.conversation, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        seq = None
        if STORES:
            seq = await database_sync_to_async(store)(
                self.conversation, self.user, content["id"], content["body"]
            )
        data = {"id": content["id"], "seq": seq, "sender": self.user, "body": content["body"]}
        await self.channel_layer.group_send(
            self.conversation,
            {"type": "chat.message", "conversation": self.conversation, "data": data},
        )

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send_json({**event, "type": "message"})

    @classmethod
    async def encode_json(cls, content: Any) -> str:
        # Without blanks, as everybody here.
        import json

        return json.dumps(content, separators=(",", ":"))


application = ProtocolTypeRouter(
    {"websocket": URLRouter([path("ws/<uuid:conversation>/<int:user>/", ChatConsumer.as_asgi())])}
)


def setup(conversations: int, members: int) -> list[str]:
    """Tables, and so many conversations of so many members; their ids."""
    with connection.schema_editor() as editor:
        for model in (Conversation, Member, Message):
            editor.create_model(model)
    made = Conversation.objects.bulk_create(
        [Conversation(id=uuid.uuid4()) for _ in range(conversations)]
    )
    Member.objects.bulk_create(
        [Member(conversation=each, user=n) for each in made for n in range(members)], 5000
    )
    return [str(each.id) for each in made]


if __name__ == "__main__":
    if sys.argv[1:2] == ["setup"]:
        import json

        json.dump(setup(int(sys.argv[2]), int(sys.argv[3])), sys.stdout)
    else:
        import uvicorn

        # The fastest way that Uvicorn has: what is compared is the application.
        uvicorn.run(
            application,
            host="127.0.0.1",
            port=int(os.environ["PORT"]),
            loop="uvloop",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            log_level="warning",
            lifespan="off",
        )
