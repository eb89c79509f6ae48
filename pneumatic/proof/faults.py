"""What goes wrong, by a seed: each kind of fault with the number of its row in the matrix."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pneumatic.proof.activity import Activity
from pneumatic.proof.cluster import Cluster
from pneumatic.proof.device import Device
from pneumatic.proof.history import now
from pneumatic.proof.outbox import Letter
from pneumatic.proof.proxy import Proxy, Wire, wire_of


@dataclass(frozen=True)
class Kind:
    """A kind of fault; `end` says from when on recovery is measured, empty for not at all."""

    row: str
    words: str
    end: str
    #: Faults of the machines come one after another, those of the network beside them.
    network: bool = False
    services: bool = False
    #: The close codes with which it may end sockets: those of the process that it meets, of the
    #: devices that it meets (of the network), or of all. 1006 is an end without a word.
    codes: frozenset[int] = frozenset()
    #: Seconds after its end in which devices should be live, and in which all should have all.
    live: float = 2.0
    whole: float = 5.0


KINDS = {
    "kill": Kind(
        "F1",
        "SIGKILL of a process",
        "the kill; of the only process: its return",
        codes=frozenset({1006}),
        live=3.0,
    ),
    "term": Kind(
        "F21",
        "SIGTERM, drain, restart",
        "the end of the process; of the only one: its return",
        codes=frozenset({1012}),
    ),
    # A hello that comes during a long one is found to be late.
    "pause": Kind("F26", "SIGSTOP of a process for a while", "SIGCONT", codes=frozenset({4408})),
    "redis-restart": Kind("F3", "Redis killed and started", "Redis answers", services=True),
    "redis-flush": Kind("F5", "FLUSHALL", "the flush", services=True),
    "redis-stop": Kind("F4", "Redis away for a while", "Redis answers", services=True),
    # A hello that can't be answered is sent away, to come again.
    "postgres-restart": Kind(
        "F8",
        "PostgreSQL crashed and started",
        "PostgreSQL answers",
        services=True,
        codes=frozenset({4408}),
    ),
    "cut": Kind(
        "F17", "TCP cut between send and ack", "the cut", network=True, codes=frozenset({1006})
    ),
    "duplicates": Kind(
        "F18", "each message sent four times at once, on two sockets and by REST", "", network=True
    ),
    "frozen": Kind(
        "F14",
        "readers that read nothing for a while",
        "the thaw",
        network=True,
        codes=frozenset({4408}),
    ),
    "late": Kind("F19", "answers and events that come late", "on time again", network=True),
}


@dataclass
class Fault:
    """One fault that happened; times in seconds since the epoch."""

    kind: str
    start: float
    end: float = 0.0
    #: The devices whose recovery is measured.
    affected: list[str] = field(default_factory=list)
    #: The port of the process that it meets; 0 where it meets none, or all.
    door: int = 0
    #: When what was hurt is back, and nothing is held any more.
    over: float = 0.0


class Faults:
    """Injects faults into a cluster and what stands before it."""

    def __init__(
        self,
        cluster: Cluster,
        proxies: Sequence[Proxy],
        devices: Sequence[Device],
        activity: Activity,
        *,
        away: float,
        seed: int,
    ) -> None:
        self.happened: list[Fault] = []
        self._cluster = cluster
        self._proxies = proxies
        self._devices = devices
        self._activity = activity
        #: Seconds that something is away which is "away for a while".
        self._away = away
        self._rng = random.Random(seed)
        self._doings: dict[str, Callable[[Fault], Awaitable[None]]] = {
            "kill": self._kill,
            "term": self._term,
            "pause": self._pause,
            "redis-restart": self._redis_restart,
            "redis-flush": self._redis_flush,
            "redis-stop": self._redis_stop,
            "postgres-restart": self._postgres_restart,
            "cut": self._cut,
            "duplicates": self._duplicates,
            "frozen": self._frozen,
            "late": self._late,
        }

    async def inject(self, kind: str) -> None:
        """Let it happen, and heal what doesn't heal by itself."""
        fault = Fault(kind, start=now())
        self.happened.append(fault)
        await self._doings[kind](fault)
        fault.over = now()
        fault.end = fault.end or fault.over

    # --- Processes ------------------------------------------------------------------------------

    async def _kill(self, fault: Fault) -> None:
        number = self._some_process(fault)
        await self._cluster.do(self._cluster.kill, number)
        killed = now()
        await asyncio.sleep(self._rng.uniform(0.2, 2.0))
        await self._cluster.do(self._cluster.start_process, number)
        fault.end = killed if self._others else now()

    async def _term(self, fault: Fault) -> None:
        number = self._some_process(fault)
        await self._cluster.do(self._cluster.terminate, number)
        ended = now()
        await self._cluster.do(self._cluster.start_process, number)
        fault.end = ended if self._others else now()

    async def _pause(self, fault: Fault) -> None:
        number = self._some_process(fault)
        self._cluster.signal(number, signal.SIGSTOP)
        await asyncio.sleep(self._away / 2)
        self._cluster.signal(number, signal.SIGCONT)

    def _some_process(self, fault: Fault) -> int:
        """One that somebody is connected to, where there is one."""
        doors = [proxy.port for proxy in self._proxies]
        used = {device.door for device in self._devices if device.port}
        door = self._rng.choice([door for door in doors if door in used] or doors)
        fault.affected = [each.name for each in self._devices if each.port and each.door == door]
        fault.door = door
        return doors.index(door)

    @property
    def _others(self) -> bool:
        """Whether there is another process to go to while one is away."""
        return len(self._proxies) > 1

    # --- Stores ---------------------------------------------------------------------------------

    async def _redis_restart(self, fault: Fault) -> None:
        self._everybody(fault)
        await self._cluster.do(self._cluster.stores.stop_redis)
        await self._cluster.do(self._cluster.stores.start_redis)

    async def _redis_flush(self, fault: Fault) -> None:
        self._everybody(fault)
        await self._cluster.do(self._cluster.stores.flush_redis)

    async def _redis_stop(self, fault: Fault) -> None:
        self._everybody(fault)
        await self._cluster.do(self._cluster.stores.stop_redis)
        await asyncio.sleep(self._away)
        await self._cluster.do(self._cluster.stores.start_redis)

    async def _postgres_restart(self, fault: Fault) -> None:
        self._everybody(fault)
        await self._cluster.do(self._cluster.stores.stop_postgres)
        await asyncio.sleep(self._rng.uniform(0.0, 2.0))
        await self._cluster.do(self._cluster.stores.start_postgres)

    def _everybody(self, fault: Fault) -> None:
        fault.affected = [each.name for each in self._devices]

    # --- The network ----------------------------------------------------------------------------

    async def _cut(self, fault: Fault) -> None:
        """The answer to a message that has just left gets lost with the connection."""
        chosen = self._some_wires(fault)
        for device, wire in chosen:
            wire.mute = True
            if device.conversations():
                conversation = self._rng.choice(device.conversations())
                device.compose(conversation, self._activity.words(self._rng))
        await asyncio.sleep(self._rng.uniform(0.02, 0.3))
        fault.end = now()
        for _, wire in chosen:
            wire.cut()

    async def _duplicates(self, fault: Fault) -> None:
        for device in self._devices:
            device.echo = self._send_again
        await asyncio.sleep(self._away)
        for device in self._devices:
            device.echo = None

    def _send_again(self, device: Device, letter: Letter) -> None:
        device.send(letter, "again")
        siblings = [
            each
            for each in self._devices
            if each.person == device.person and each is not device and each.ready.is_set()
        ]
        if siblings:
            self._rng.choice(siblings).send(letter, "sibling")
        self._activity.spawn(self._activity.send_by_rest(device, letter))

    async def _frozen(self, fault: Fault) -> None:
        chosen = self._some_wires(fault)
        for _, wire in chosen:
            wire.flowing.clear()
        await asyncio.sleep(self._away)
        for _, wire in chosen:
            wire.flowing.set()

    async def _late(self, fault: Fault) -> None:
        chosen = self._some_wires(fault)
        for _, wire in chosen:
            wire.delay = self._rng.uniform(0.1, 0.6)
        await asyncio.sleep(self._away)
        for _, wire in chosen:
            wire.delay = 0.0

    def _some_wires(self, fault: Fault) -> list[tuple[Device, Wire]]:
        """A third of the devices that are connected, at least one."""
        found = [(device, wire_of(self._proxies, device.port)) for device in self._devices]
        connected = [(device, wire) for device, wire in found if wire is not None]
        chosen = self._rng.sample(connected, -(-len(connected) // 3))
        fault.affected = [device.name for device, _ in chosen]
        return chosen
