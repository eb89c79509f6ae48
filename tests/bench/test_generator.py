"""The generator counts every event once, however it is framed and however it arrives."""

import asyncio
import time
from typing import cast

import pytest

from bench.generator import frames
from bench.generator.connection import Connection, Counts
from bench.generator.tally import stamp
from bench.generator.watch import limit
from bench.generator.websocket import WebSocket
from bench.measures import medians, percentile, spread

EVENT = b'{"type":"message","conversation":"c","data":{"body":"\\"type\\":\\"message\\" 250"}}'
ACK = b'{"type":"ack","id":"1"}'


class Transport:
    """Remembers what was written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    abort = close


def framed(payload: bytes, opcode: int = frames.TEXT) -> bytes:
    """As a server sends it: without a mask."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 1 << 16:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2) + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8) + payload


def opened(counts: Counts) -> tuple[WebSocket, Transport]:
    device, transport = WebSocket(counts, request=b"GET", hello=None), Transport()
    device.connection_made(cast(asyncio.BaseTransport, transport))
    feed(device, b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    assert device.ready.done()
    return device, transport


def feed(device: Connection, data: bytes) -> None:
    buffer = device.get_buffer(-1)
    buffer[: len(data)] = data
    device.buffer_updated(len(data))


async def received(data: bytes, piece: int) -> Counts:
    counts = Counts()
    device, _ = opened(counts)
    device.sent.extend([0, 0])
    for at in range(0, len(data), piece):
        feed(device, data[at : at + piece])
    return counts


@pytest.mark.asyncio
@pytest.mark.parametrize("piece", [1, 2, 3, 7, 15, 16, 17, 100, 100_000])
async def test_events_are_counted_in_any_frames_and_any_reads(piece: int) -> None:
    batch = b'{"type":"batch","events":[' + b",".join([EVENT] * 1000) + b"]}"
    data = framed(EVENT) + framed(ACK) + framed(b"", frames.PONG) + framed(batch) + framed(ACK)
    counts = await received(data, piece)
    assert counts.delivered == 1001
    assert counts.acks == 2
    assert len(counts.ack_times) == 2


@pytest.mark.asyncio
async def test_the_time_in_a_sampled_body_becomes_a_latency(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "monotonic_ns", lambda: 1_500)
    event = b'{"type":"message","data":{"body":"%b250"}}' % stamp(1_000).encode()
    counts = await received(framed(event) * 2, 100_000)
    assert counts.latencies == [500, 500]


@pytest.mark.asyncio
async def test_a_length_that_looks_like_a_time_is_none() -> None:
    data = framed(b"x" * 0x7E7E) + framed(EVENT)
    counts = await received(data, 100_000)
    assert b"~~" in data
    assert (counts.latencies, counts.delivered) == ([], 1)


@pytest.mark.asyncio
@pytest.mark.parametrize("piece", [1, 3, 100])
async def test_a_ping_is_answered_and_a_close_is_remembered(piece: int) -> None:
    counts = Counts()
    device, transport = opened(counts)
    data = framed(b"are you there", frames.PING) + framed(b"\x11\x95bye", frames.CLOSE)
    for at in range(0, len(data), piece):
        feed(device, data[at : at + piece])
    pong = bytearray(transport.written[1])
    head = frames.header(pong, 0, len(pong))
    assert head is not None
    assert head.opcode == frames.PONG
    assert unmasked(bytes(pong)) == b"are you there"
    assert counts.closes == {4501: 1}
    assert transport.closed


@pytest.mark.asyncio
async def test_a_refusal_is_told() -> None:
    counts = await received(framed(b'{"type":"error","code":"rate_limited"}'), 100_000)
    assert counts.errors == 1
    assert "rate_limited" in counts.first_error


def unmasked(frame: bytes) -> bytes:
    head = frames.header(frame, 0, len(frame))
    assert head is not None
    mask, masked = frame[head.start : head.start + 4], frame[head.start + 4 :]
    return bytes(byte ^ mask[n % 4] for n, byte in enumerate(masked))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame_holds_its_payload_masked(size: int) -> None:
    payload = bytes(n % 251 for n in range(size))
    made = frames.frame(frames.TEXT, payload, b"\x01\x02\x03\x04")
    assert made[1] & 0x80
    assert unmasked(made) == payload


def test_percentiles_are_values_that_were_measured() -> None:
    ordered = [float(n) for n in range(1, 101)]
    assert percentile(ordered, 0.5) == 50
    assert percentile(ordered, 0.99) == 99
    assert percentile(ordered, 1.0) == 100
    assert percentile([7.0], 0.99) == 7
    assert percentile([], 0.5) is None
    assert spread([0.001, 0.003, 0.002], 1e3) == {
        "n": 3,
        "p50": 2.0,
        "p90": 3.0,
        "p99": 3.0,
        "max": 3.0,
    }


def test_the_median_of_rounds_is_taken_number_by_number() -> None:
    runs = [{"a": n, "b": {"c": n * 2.0}, "limit": "server"} for n in (5, 1, 3)]
    assert medians(runs) == {"a": 3, "b": {"c": 6.0}, "limit": "server"}
    assert medians([{"a": None}, {"a": 2}]) == {"a": 2}


@pytest.mark.parametrize(
    ("server", "own", "own_with_waits", "told"),
    [
        (1.0, 0.96, 1.0, "generator"),  # the server might do more: its figure is a floor
        (0.95, 0.5, 0.6, "server"),
        (0.5, 0.5, 0.97, "machine"),
        (0.5, 0.5, 0.6, "waiting"),
    ],
)
def test_it_says_when_it_is_the_limit_itself(
    server: float, own: float, own_with_waits: float, told: str
) -> None:
    assert limit(server, own, own_with_waits) == told
