"""WebSocket addresses."""

from typing import Any

from django.urls import path, re_path

from chat.ws.consumer import ChatConsumer


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Refuse the handshake: there is only one address."""
    await receive()
    await send({"type": "websocket.close"})


websocket_urlpatterns = [
    path("ws/", ChatConsumer.as_asgi()),  # type: ignore[arg-type]  # Django knows views only
    re_path("", nowhere),  # type: ignore[arg-type]
]
