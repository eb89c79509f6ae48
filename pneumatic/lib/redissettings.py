"""Django's settings for what processes share: in Redis, or in memory where there is only one."""

from typing import Any


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
        "health_check_interval": 5,
        # None: a subscriber that connects again by itself doesn't say what it missed. So every
        # error is one, the bus hears of it, and everybody catches up.
        "retry": Retry(NoBackoff(), 0),
    }
    return {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
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
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
