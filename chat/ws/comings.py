"""Who has come and gone, handed to local sockets: one write each for all that is told at once."""

from collections import defaultdict
from collections.abc import Iterator

from chat import groups
from chat.ws.rooms import Room, Rooms, Socket
from pneumatic.lib.realtime import Envelope
from pneumatic.lib.realtime.readyframes import text_frame


class Comings:
    """Texts for many sockets each, until they are handed out; each of them a frame of its own."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms.by_group
        self._by_socket: defaultdict[Socket, list[tuple[str, bytes]]] = defaultdict(list)

    def add(self, envelope: Envelope) -> Iterator[tuple[str, Room, int]]:
        """One `presence` more, after what was added before.

        Yields the rooms in which it can't be handed out before it is known again who belongs there,
        each with the newest end of a membership that it has to reflect.
        """
        listeners: set[Socket] = set()
        for conversation_id, ended in envelope["conversations"].items():
            group = groups.conversation(conversation_id)
            room = self._rooms.get(group)
            if room is None:
                continue
            if room.held is None and ended <= room.ended:
                listeners |= room.sockets
            else:
                yield group, room, ended
        own = self._rooms.get(groups.user(envelope["without"]))
        if own is not None:
            listeners -= own.sockets
        told = envelope["text"], text_frame(envelope["text"])
        for socket in listeners:
            self._by_socket[socket].append(told)

    def hand_out(self) -> None:
        """Slow readers may miss some."""
        for socket, some in self._by_socket.items():
            outbound = socket.outbound
            if outbound.is_free:
                outbound.write(b"".join([frame for _, frame in some]))
            else:
                for text, _ in some:
                    outbound.offer(text, droppable=True)
