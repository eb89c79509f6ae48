"""Statements from the event loop without a task: what is called back, and when."""

import asyncio
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
from django.db import DataError

from pneumatic.lib.database import asyncpostgres
from tests.lib.backends import backend

pytestmark = [
    pytest.mark.needs_postgres,
    pytest.mark.usefixtures("one_loop_connection"),
    pytest.mark.asyncio,
    pytest.mark.django_db(transaction=True),
]


def begin(sql: str, *parameters: object) -> "asyncio.Future[Any] | None":
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    begun = asyncpostgres.begin(sql, parameters, answer.set_result)
    assert not answer.done(), "only later"
    return answer if begun else None


async def test_the_first_of_its_kind_is_asked_the_ordinary_way() -> None:
    asked = "SELECT %s::int, pg_backend_pid()"
    assert begin(asked, 1) is None, "nothing is connected"
    await backend()
    assert begin(asked, 1) is None, "it is not prepared"
    ((_, before),) = await asyncpostgres.rows(asked, [1])
    answer = begin(asked, 2)
    assert answer is not None
    assert begin(asked, 3) is None, "the only connection is in use"
    assert await answer == [(2, before)]
    assert await backend() == before


@pytest.mark.parametrize("size", [10, 10_000_000])
async def test_however_much_it_is_it_is_sent_and_read(size: int) -> None:
    asked = "SELECT %s::text"
    await asyncpostgres.rows(asked, ["first"])
    answer = begin(asked, "x" * size)
    assert answer is not None
    ((found,),) = await answer
    assert len(found) == size


async def test_what_fails_is_left_to_the_ordinary_way() -> None:
    asked = "SELECT 1 / %s::int, pg_backend_pid()"
    ((_, before),) = await asyncpostgres.rows(asked, [1])
    answer = begin(asked, 0)
    assert answer is not None
    assert await answer is None
    with pytest.raises(DataError):
        await asyncpostgres.rows(asked, [0])
    assert await backend() == before, "it is as good as before"


async def test_a_database_that_says_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = "SELECT pg_sleep(%s::int)"
    await asyncpostgres.rows(asked, [0])
    before = await backend()
    monkeypatch.setattr(asyncpostgres, "SECONDS", 0.1)
    answer = begin(asked, 20)
    assert answer is not None
    assert await asyncio.wait_for(answer, 10) is None
    monkeypatch.undo()
    assert await backend() != before


async def test_it_is_answered_in_the_context_of_whoever_asked() -> None:
    whose = ContextVar("whose", default="nobody's")
    await asyncpostgres.rows("SELECT 1", [])
    heard: asyncio.Queue[str] = asyncio.Queue()

    def ask() -> None:
        whose.set("mine")
        assert asyncpostgres.begin("SELECT 1", [], lambda _: heard.put_nowait(whose.get()))

    copy_context().run(ask)
    assert await asyncio.wait_for(heard.get(), 10) == "mine"
