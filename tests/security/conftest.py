"""The small world, for what attacks it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_world
from pneumatic.testing.socket import the_end


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest_asyncio.fixture
async def live_world(transactional_db: None) -> AsyncIterator[World]:
    """Committed, for tests with sockets; the hub ends with the test."""
    yield await in_database(make_world)
    await the_end()
