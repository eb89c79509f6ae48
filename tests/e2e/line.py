"""A person's line to the server, which can really be cut: a small TCP proxy."""

import contextlib
import selectors
import socket
import threading

PIECE = 65536


class Line:
    """Carries bytes between a browser and the server, until it is cut; `mend` makes it whole.

    A browser's own "offline" switch spares sockets that are open; this doesn't.
    """

    def __init__(self, port: int) -> None:
        self.server_port = port
        self._whole = True
        self._ended = False
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._door = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The server's origin, as seen through this line."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break every connection, and each new one at once."""
        with self._lock:
            self._whole = False
            for end in self._sockets:
                _break(end)

    def mend(self) -> None:
        """Let new connections through again."""
        with self._lock:
            self._whole = True

    def close(self) -> None:
        """Cut it for good."""
        self._ended = True
        self.cut()
        # Whoever waits in `accept` isn't woken by closing.
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._door.close()

    def _accept(self) -> None:
        while True:
            near, _ = self._door.accept()
            if self._ended:
                near.close()
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with near:
            try:
                far = socket.create_connection(("127.0.0.1", self.server_port), timeout=10)
            except OSError:
                return
            with far:
                with self._lock:
                    if not self._whole:
                        return
                    self._sockets |= {near, far}
                try:
                    _carry(near, far)
                except OSError:
                    return
                finally:
                    with self._lock:
                        self._sockets -= {near, far}


def _carry(near: socket.socket, far: socket.socket) -> None:
    """Both ways, until either end is done."""
    with selectors.DefaultSelector() as selector:
        for source, target in ((near, far), (far, near)):
            source.settimeout(10)
            selector.register(source, selectors.EVENT_READ, (source, target))
        while True:
            for key, _ in selector.select():
                source, target = key.data
                data = source.recv(PIECE)
                if not data:
                    return
                target.sendall(data)


def _break(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
