"""Sockets by the session that they named in their hello, to be closed when it ends."""

from uuid import UUID

from chat.ws.rooms import Socket


class Endings:
    """Those of one process."""

    def __init__(self) -> None:
        self._awaited: dict[UUID, list[Socket]] = {}

    def expect(self, socket: Socket, session_id: UUID) -> None:
        """Close the socket when this session ends, until it is forgotten."""
        self._awaited.setdefault(session_id, []).append(socket)

    def forget(self, socket: Socket, session_id: UUID) -> None:
        """The socket is gone itself."""
        there = self._awaited[session_id]
        there.remove(socket)
        if not there:
            del self._awaited[session_id]

    def ended(self, session_id: UUID) -> None:
        for socket in tuple(self._awaited.get(session_id, ())):
            socket.revoked()
