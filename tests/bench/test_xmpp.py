"""The device that speaks XMPP says what a client must, and counts each message once."""

import asyncio
import base64
import time
from collections.abc import Sequence
from typing import cast

import pytest

from bench.generator.connection import Counts
from bench.generator.tally import stamp
from bench.generator.xmpp import Xmpp
from tests.bench.test_generator import Transport, feed

FEATURES = b"<stream:features><mechanisms/></stream:features>"
SIGNED_IN = b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
BOUND = b"<iq id='1' type='result'><bind><jid>alice@here/1</jid></bind></iq>"
THERE = b"<presence from='alice@here/1'/>"
ANSWERS = (FEATURES, SIGNED_IN, FEATURES, BOUND, THERE)
MESSAGE = b"<message from='bob@here/1' type='chat'><body>250 characters</body></message>"


def opening(counts: Counts) -> tuple[Xmpp, Transport]:
    device = Xmpp.of(counts, {"domain": "here", "user": "alice", "password": "secret", "port": 1})
    transport = Transport()
    device.connection_made(cast(asyncio.BaseTransport, transport))
    return device, transport


def opened(counts: Counts, answers: Sequence[bytes] = ANSWERS) -> tuple[Xmpp, Transport]:
    device, transport = opening(counts)
    for each in answers:
        feed(device, each)
    return device, transport


@pytest.mark.asyncio
async def test_it_signs_in_and_is_ready_once_it_hears_that_it_is_there() -> None:
    device, transport = opened(Counts(), ANSWERS[:-1])
    assert not device.ready.done()
    feed(device, ANSWERS[-1])
    assert device.ready.done()
    stream, sasl, again, bind, presence = transport.written
    assert stream == again
    assert b"to='here'" in stream
    token = sasl.partition(b"'PLAIN'>")[2].removesuffix(b"</auth>")
    assert base64.b64decode(token) == b"\0alice\0secret"
    assert bind.startswith(b"<iq type='set'")
    assert presence == b"<presence/>"


@pytest.mark.asyncio
async def test_answers_may_come_in_pieces() -> None:
    device, transport = opening(Counts())
    for byte in b"".join((b"<?xml version='1.0'?><stream:stream>", FEATURES)):
        feed(device, bytes((byte,)))
    assert len(transport.written) == 2
    assert not device.ready.done()


@pytest.mark.asyncio
async def test_who_is_refused_is_told_why() -> None:
    counts = Counts()
    _, transport = opened(counts, [FEATURES, b"<failure><not-authorized/></failure>"])
    assert "not-authorized" in counts.first_error
    assert transport.closed


@pytest.mark.asyncio
@pytest.mark.parametrize("piece", [1, 2, 5, 6, 7, 100, 100_000])
async def test_messages_are_counted_in_any_reads(piece: int) -> None:
    counts = Counts()
    device, _ = opened(counts)
    data = MESSAGE * 100 + THERE + MESSAGE
    for at in range(0, len(data), piece):
        feed(device, data[at : at + piece])
    assert counts.delivered == 101
    assert counts.errors == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("piece", [1, 12, 100_000])
async def test_a_message_that_comes_back_is_an_error_and_no_delivery(piece: int) -> None:
    counts = Counts()
    device, _ = opened(counts)
    data = b"<message type='error' from='bob@here'><error><service-unavailable/></error></message>"
    for at in range(0, len(data), piece):
        feed(device, data[at : at + piece])
    assert (counts.delivered, counts.errors) == (0, 1)
    assert counts.first_error


@pytest.mark.asyncio
async def test_what_it_sends_carries_a_time_that_its_reader_understands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = Counts()
    alice, transport = opened(counts)
    bob, _ = opened(counts)
    alice.send(alice.message("bob@here", f"{stamp(1_000)}hello"), acknowledged=False)
    assert transport.written[-1].startswith(b"<message to='bob@here' type='chat' id='")
    monkeypatch.setattr(time, "monotonic_ns", lambda: 1_500)
    feed(bob, transport.written[-1])
    assert (counts.delivered, counts.latencies) == (1, [500])
