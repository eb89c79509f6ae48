"""Django's settings for what processes share: in Redis, or in memory where there is only one."""

import json
from typing import Any


class JsonSerializer:
    """What Django's cache keeps in Redis, as JSON.

    Django's own would load pickles: whoever can write to Redis would run code here.
    """

    def dumps(self, value: Any) -> str:
        """Numbers remain numbers, so Redis can count; TypeError for what JSON doesn't know."""
        return json.dumps(value)

    def loads(self, stored: bytes) -> Any:
        """ValueError for what isn't JSON, a pickle among it."""
        return json.loads(stored)


def channel_layers(url: str, prefix: str) -> dict[str, dict[str, Any]]:
    """CHANNEL_LAYERS for the Redis at ``url``, with keys that begin with ``prefix``; "": memory."""
    if not url:
        # One channel a process (the hub's), so its capacity is the process's backlog.
        backend = "channels.layers.InMemoryChannelLayer"
        return {"default": {"BACKEND": backend, "CONFIG": {"capacity": 100_000}}}
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    host = {
        "address": url,
        "socket_timeout": 15,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        # Of the layer's subscriber, which its beats look after, only what finds a line broken that
        # the client takes for a silent one.
        "health_check_interval": 5,
        # None: a subscriber that connects again by itself doesn't say what it missed. So every
        # error is one, the bus hears of it, and everybody catches up.
        "retry": Retry(NoBackoff(), 0),
    }
    return {
        "default": {
            "BACKEND": "pneumatic.lib.realtime.pubsub.Layer",
            "CONFIG": {"prefix": prefix, "hosts": [host]},
        }
    }


def caches(url: str, prefix: str) -> dict[str, dict[str, Any]]:
    """CACHES for the same Redis, or for memory."""
    if not url:
        return {
            "default": {
                "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
                # Django's 300 are passed by asking from 300 addresses, which forgets what the
                # limits had counted. As many of their counters measured as 14 MB.
                "OPTIONS": {"MAX_ENTRIES": 50_000},
            }
        }
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "KEY_PREFIX": f"{prefix}:cache",
            "OPTIONS": {
                "serializer": JsonSerializer,
                "socket_timeout": 1,
                "socket_connect_timeout": 1,
            },
        }
    }
