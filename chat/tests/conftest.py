from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from chat.actions import receipts, sending, storing, storing_at_once
from pneumatic.lib import realtime
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_world
from pneumatic.testing.socket import the_end


@pytest.fixture
def world(db: None) -> World:
    """alice and bob are in, charlie is out; for what runs in one transaction."""
    return make_world()


@pytest_asyncio.fixture
async def live_world(transactional_db: None) -> AsyncIterator[World]:
    """The same, committed, for tests with sockets; the hub ends with the test."""
    yield await in_database(make_world)
    await the_end()


@pytest.fixture
def published(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> list[tuple[str, dict[str, Any]]]:
    """What went to the channel layer: (group, envelope), once the test's commits are done."""
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(realtime, "publish", lambda group, envelope: sent.append((group, envelope)))
    return sent


@pytest.fixture(
    params=[
        pytest.param(storing, id="by-statement"),
        pytest.param(storing_at_once, id="at-once", marks=pytest.mark.needs_postgres),
    ]
)
def each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are stored statement by statement, and then, where it can be, in one statement."""

    async def astore(drafts: Any, *, wait: bool) -> Any:
        return await in_database(storing.store, drafts, wait=wait)

    monkeypatch.setattr(storing, "astore", astore, raising=False)
    monkeypatch.setattr(storing, "begin", lambda *_: False, raising=False)
    monkeypatch.setattr(sending, "storing", request.param)
    monkeypatch.setattr(sending, "storing_at_once", request.param)


@pytest.fixture(
    params=[
        pytest.param(receipts._by_statement, id="by-statement"),
        pytest.param(receipts._at_once, id="at-once", marks=pytest.mark.needs_postgres),
    ]
)
def each_way_to_mark(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for what has been read and received."""
    monkeypatch.setattr(receipts, "_at_once", request.param)
    monkeypatch.setattr(receipts, "_by_statement", request.param)
