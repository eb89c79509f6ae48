"""Row R47: what is in Redis is never code."""

import pickle

import pytest
from django.core.cache import cache
from pytest_django import Settings
from redis import Redis

from pneumatic.lib.config import redissettings


class _Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("a pickle from Redis was run",)


def test_the_cache_neither_keeps_nor_loads_a_pickle(settings: Settings, redis_url: str) -> None:
    settings.CACHES = redissettings.caches(redis_url, "pickles")
    with Redis.from_url(redis_url) as redis:
        cache.add("count", 1, 60)
        assert cache.incr("count") == 2
        cache.set("times", [1.5, "x", True, None], 60)
        assert cache.get("times") == [1.5, "x", True, None]
        assert redis.get(cache.make_key("count")) == b"2"
        assert redis.get(cache.make_key("times")) == b'[1.5, "x", true, null]'

        redis.set(cache.make_key("planted"), pickle.dumps(_Trap()))
        with pytest.raises(ValueError, match=r"decode|Expecting"):
            cache.get("planted")
        with pytest.raises(TypeError):
            cache.set("object", object(), 60)
