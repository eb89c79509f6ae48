import asyncio
import signal
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from pneumatic.lib.shared import redisscript
from pneumatic.lib.shared.redisscript import Script
from pneumatic.loopback.processes import Server

pytestmark = pytest.mark.asyncio


@pytest.mark.usefixtures("redis_url")
async def test_a_thousand_at_once_wait_for_a_connection_and_none_is_sent_away() -> None:
    script = Script("return redis.call('incr', KEYS[1])")
    answers = await asyncio.gather(*(script.arun(["many"]) for _ in range(1_000)))
    assert sorted(answers) == list(range(1, 1_001))
    await redisscript.close()


@pytest.mark.usefixtures("redis_url")
async def test_each_gets_its_own_answer_or_error_of_those_that_go_together() -> None:
    good, bad = Script("return ARGV[1]"), Script("return redis.call('no such command')")
    answers = await asyncio.gather(
        good.arun([], "a"), bad.arun([]), good.arun([], "b"), return_exceptions=True
    )
    assert [answers[0], type(answers[1]), answers[2]] == [b"a", redisscript.Away, b"b"]
    await redisscript.close()


@pytest.mark.usefixtures("redis_url")
async def test_a_command_of_redis_is_answered_among_scripts_that_it_does_not_know() -> None:
    add, fresh = Script("return redis.call('zadd', KEYS[1], 7, ARGV[1])"), uuid.uuid4().hex
    await add.arun(["numbers"], "a")
    answers: Any = await asyncio.gather(
        redisscript.acommand("ZMSCORE", "numbers", "a", "b"),
        Script(f"return '{fresh}'").arun([]),
        redisscript.acommand("ZADD", "numbers", "no number", "a"),
        return_exceptions=True,
    )
    assert [float(answers[0][0]), answers[0][1]] == [7, None]
    assert [answers[1], type(answers[2])] == [fresh.encode(), redisscript.Away]
    await redisscript.close()


@pytest.mark.usefixtures("redis_url")
async def test_who_gives_up_takes_no_answer_from_those_who_stay() -> None:
    script = Script("return ARGV[1]")
    gone, stays = (asyncio.create_task(script.arun([], each)) for each in ("gone", "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == b"stays"
    assert await script.arun([], "next") == b"next"
    await redisscript.close()


async def test_who_waits_while_redis_hangs_is_not_kept_one_batch_after_another(
    mortal_redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script("return ARGV[1]")
    assert await script.arun([], "before") == b"before"
    tries: list[int] = []
    really = redisscript._sent_through

    async def counted(connection: Any, commands: Sequence[Any]) -> Any:
        tries.append(len(commands))
        return await really(connection, commands)

    monkeypatch.setattr(redisscript, "_sent_through", counted)
    monkeypatch.setattr(redisscript, "TOGETHER", 10)
    # Long enough that whoever was told last has not come to his turn before the next try.
    monkeypatch.setattr(redisscript, "PAUSE", 60.0)
    mortal_redis.process.send_signal(signal.SIGSTOP)
    try:
        answers = await asyncio.gather(
            *(script.arun([], str(n)) for n in range(100)), return_exceptions=True
        )
    finally:
        mortal_redis.process.send_signal(signal.SIGCONT)
    assert {type(each) for each in answers} == {redisscript.Away}
    # The first batch, once more where its connection may only have been stale.
    assert sum(tries) <= 2 * 10
    await redisscript.close()


async def test_that_redis_went_is_told_to_all_who_ask_together(mortal_redis: Server) -> None:
    script = Script("return ARGV[1]")
    assert await script.arun([], "before") == b"before"
    mortal_redis.stop()
    with pytest.raises(redisscript.Away):
        await script.arun([], "meanwhile")
    with pytest.raises(redisscript.Away):
        await asyncio.gather(*(script.arun([], str(n)) for n in range(3)))
    await redisscript.close()
