import asyncio

import pytest

from pneumatic.lib import redisscript
from pneumatic.lib.redisscript import Script

pytestmark = pytest.mark.asyncio


@pytest.mark.usefixtures("redis_url")
async def test_a_thousand_at_once_wait_for_a_connection_and_none_is_sent_away() -> None:
    script = Script("return redis.call('incr', KEYS[1])")
    answers = await asyncio.gather(*(script.arun(["many"]) for _ in range(1_000)))
    assert sorted(answers) == list(range(1, 1_001))
    await redisscript.close()
