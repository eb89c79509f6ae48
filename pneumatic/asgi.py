"""The ASGI application: HTTP to Django, the WebSocket to the chat's consumer."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pneumatic.settings")

import django

django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter

from pneumatic.checks import stop_on_errors
from pneumatic.lib import tracing
from pneumatic.lib.http.bodies import BoundedBodies
from pneumatic.lib.http.onethread import OneThreadHandler

# Servers don't run Django's system checks: a dangerous setting stops them here.
stop_on_errors()
# Before Django's own application is made: instrumentation wraps what is made after it.
tracing.configure()
http = BoundedBodies(OneThreadHandler())

from chat.routing import websocket_urlpatterns

sockets = URLRouter(websocket_urlpatterns)  # type: ignore[arg-type]  # as in chat.routing
application = ProtocolTypeRouter({"http": http, "websocket": sockets})
