"""Who has come and gone, handed to local sockets: one write each for all that is told at once."""

from collections import defaultdict
from collections.abc import Iterable

from chat.ws.rooms import Socket
from pneumatic.lib.readyframes import text_frame


class Comings:
    """Texts for many sockets each, until they are handed out; each of them a frame of its own."""

    def __init__(self) -> None:
        self._by_socket: defaultdict[Socket, list[tuple[str, bytes]]] = defaultdict(list)

    def add(self, text: str, sockets: Iterable[Socket]) -> None:
        """For each socket after what was added before."""
        told = text, text_frame(text)
        for socket in sockets:
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
