"""A device that speaks XMPP (RFC 6120): signs in, says that it is there, and writes to a friend."""

import base64
import uuid
from typing import Any

from bench.generator.connection import BUFFER, Connection, Counts
from bench.generator.tally import STANZA, STANZA_ERROR, STANZA_STAMP, stamps

_REFUSALS = (b"<failure", b"<stream:error", STANZA_ERROR)


class Xmpp(Connection):
    """Opens by SASL PLAIN, without TLS and without a roster; is there once it hears of itself."""

    def __init__(self, counts: Counts, *, domain: str, user: str, password: str) -> None:
        super().__init__(counts)
        token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self._stream = (
            "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0'"
            f" xmlns:stream='http://etherx.jabber.org/streams' to='{domain}'>"
        ).encode()
        #: What the server says last before it is our turn, and what we say then.
        self._steps = [
            (
                b"</stream:features>",
                "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
                f"{token}</auth>".encode(),
            ),
            (b"<success", self._stream),
            (
                b"</stream:features>",
                b"<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
            ),
            (b"</iq>", b"<presence/>"),
            (b"<presence", b""),
        ]
        self._answer = bytearray()

    @classmethod
    def of(cls, counts: Counts, device: dict[str, Any]) -> "Xmpp":
        """``device``: `domain`, `user`, `password`."""
        return cls(counts, **{key: device[key] for key in ("domain", "user", "password")})

    def opening(self) -> bytes:
        return self._stream

    def message(self, conversation: str, body: str) -> bytes:
        """To a person, by their address: the server chooses the device."""
        return (
            f"<message to='{conversation}' type='chat' id='{uuid.uuid4()}'>"
            f"<body>{body}</body></message>"
        ).encode()

    def buffer_updated(self, nbytes: int) -> None:
        if self._steps:
            self._open(BUFFER[:nbytes])
            return
        counts, edge = self.counts, self._edge
        counts.reads += 1
        counts.bytes += nbytes
        counts.arrived(BUFFER.count(STANZA, 0, nbytes) + edge.count(STANZA, BUFFER, nbytes))
        if found := stamps(BUFFER, nbytes, STANZA_STAMP):
            self._timed(found)
        errors = BUFFER.count(STANZA_ERROR, 0, nbytes) + edge.count(STANZA_ERROR, BUFFER, nbytes)
        if errors:
            counts.refused(errors, BUFFER[:nbytes])
        edge.keep(BUFFER, nbytes)

    def _open(self, said: bytearray) -> None:
        self._answer += said
        if any(each in self._answer for each in _REFUSALS):
            self._refused_to_open(self._answer)
            return
        mark, then = self._steps[0]
        if mark in self._answer:
            # One thing at a time: what is said later answers what we say now.
            self._answer.clear()
            del self._steps[0]
            if then:
                self._transport.write(then)
            else:
                self.ready.set_result(None)
