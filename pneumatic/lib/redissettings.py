"""Django's settings for what processes share: in Redis, or in memory where there is only one."""

from typing import Any


def channel_layers(url: str, prefix: str) -> dict[str, dict[str, Any]]:
    """CHANNEL_LAYERS for the Redis at ``url``, with keys that begin with ``prefix``; "": memory."""
    if not url:
        # One channel a process (the hub's), so its capacity is the process's backlog.
        backend = "channels.layers.InMemoryChannelLayer"
        return {"default": {"BACKEND": backend, "CONFIG": {"capacity": 100_000}}}
    from redis.asyncio.retry import Retry
    from redis.backoff import ExponentialWithJitterBackoff
    from redis.exceptions import ConnectionError as RedisConnectionError
    from redis.exceptions import TimeoutError as RedisTimeoutError

    host = {
        "address": url,
        "socket_timeout": 15,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 5,
        "retry": Retry(ExponentialWithJitterBackoff(base=0.05, cap=1), 5),
        "retry_on_error": [RedisConnectionError, RedisTimeoutError],
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
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "KEY_PREFIX": f"{prefix}:cache",
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
