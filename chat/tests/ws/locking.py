"""Conversations that somebody else has locked."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from django.db import transaction

from chat.models import Conversation
from pneumatic.lib.database.threads import in_database


@asynccontextmanager
async def locked(*conversations: Conversation) -> AsyncIterator[None]:
    """Hold their rows in another transaction meanwhile, which ends with the block."""
    is_locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            ids = [each.id for each in conversations]
            list(Conversation.objects.select_for_update().filter(id__in=ids))
            is_locked.set()
            release.wait(10)

    holder = asyncio.create_task(in_database(hold))
    try:
        await asyncio.to_thread(is_locked.wait, 10)
        yield
    finally:
        release.set()
        await holder
