"""FastAPI, async SQLAlchemy and a connection manager that loops, as most tutorials build a chat."""

import os
import sys
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, Text, UniqueConstraint, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=16,
    max_overflow=0,
)
Session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class Conversation(Base):
    __tablename__ = "conversation"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)


class Member(Base):
    __tablename__ = "member"
    conversation: Mapped[uuid.UUID] = mapped_column(ForeignKey(Conversation.id), primary_key=True)
    user: Mapped[int] = mapped_column(Integer, primary_key=True)


class Message(Base):
    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("conversation", "seq"),)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    conversation: Mapped[uuid.UUID] = mapped_column(ForeignKey(Conversation.id))
    seq: Mapped[int] = mapped_column(BigInteger)
    sender: Mapped[int] = mapped_column(Integer)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ConnectionManager:
    def __init__(self) -> None:
        self.active: defaultdict[str, list[WebSocket]] = defaultdict(list)

    async def connect(self, conversation: str, websocket: WebSocket) -> None:
        await websocket.accept()
        self.active[conversation].append(websocket)

    def disconnect(self, conversation: str, websocket: WebSocket) -> None:
        self.active[conversation].remove(websocket)

    async def broadcast(self, conversation: str, event: dict[str, Any]) -> None:
        for connection in list(self.active[conversation]):
            await connection.send_json(event)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
manager = ConnectionManager()


async def store(conversation_id: str, sender: int, sent: dict[str, Any]) -> int:
    async with Session() as session, session.begin():
        key = uuid.UUID(conversation_id)
        (await session.execute(select(Member).filter_by(conversation=key, user=sender))).one()
        locked = select(Conversation).filter_by(id=key).with_for_update()
        conversation = (await session.execute(locked)).scalar_one()
        known = await session.get(Message, uuid.UUID(sent["id"]))
        if known is not None:
            return known.seq
        conversation.last_seq += 1
        session.add(
            Message(
                id=uuid.UUID(sent["id"]),
                conversation=key,
                seq=conversation.last_seq,
                sender=sender,
                body=sent["body"],
                created_at=datetime.now(UTC),
            )
        )
        return conversation.last_seq


@app.websocket("/ws/{conversation}/{user}/")
async def chat(websocket: WebSocket, conversation: str, user: int) -> None:
    await manager.connect(conversation, websocket)
    try:
        while True:
            sent = await websocket.receive_json()
            seq = await store(conversation, user, sent)
            data = {"id": sent["id"], "seq": seq, "sender": user, "body": sent["body"]}
            event = {"type": "message", "conversation": conversation, "data": data}
            await manager.broadcast(conversation, event)
    except WebSocketDisconnect:
        manager.disconnect(conversation, websocket)


async def setup(conversations: int, members: int) -> list[str]:
    """Tables, and so many conversations of so many members; their ids."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        ids = [uuid.uuid4() for _ in range(conversations)]
        await connection.execute(Conversation.__table__.insert(), [{"id": each} for each in ids])
        rows = [{"conversation": each, "user": n} for each in ids for n in range(members)]
        await connection.execute(Member.__table__.insert(), rows)
    await engine.dispose()
    return [str(each) for each in ids]


if __name__ == "__main__":
    if sys.argv[1:2] == ["setup"]:
        import asyncio
        import json

        json.dump(asyncio.run(setup(int(sys.argv[2]), int(sys.argv[3]))), sys.stdout)
    else:
        import uvicorn

        uvicorn.run(
            app,
            host="127.0.0.1",
            port=int(os.environ["PORT"]),
            loop="uvloop",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            log_level="warning",
        )
