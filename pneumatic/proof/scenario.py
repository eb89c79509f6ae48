"""One proof from beginning to end: cluster, people, faults, quiet, evidence, verdict."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pneumatic.loopback.processes import StartError
from pneumatic.proof import journal
from pneumatic.proof.activity import Activity
from pneumatic.proof.checker import Verdict
from pneumatic.proof.cluster import Cluster
from pneumatic.proof.device import Device
from pneumatic.proof.faults import KINDS, Fault, Faults
from pneumatic.proof.fresh import whole_mirror
from pneumatic.proof.gaps import RowPool
from pneumatic.proof.history import History, now
from pneumatic.proof.notes import Notes, Times
from pneumatic.proof.outbox import Pace
from pneumatic.proof.people import Cast
from pneumatic.proof.proxy import Proxy
from pneumatic.proof.quiet import come_to_rest, converge, judge
from pneumatic.proof.rest import Rest
from pneumatic.proof.session import Session
from pneumatic.proof.timing import Timing

_READY_SECONDS = 60.0


@dataclass
class Plan:
    """What to do; together with the seed it says which faults come in which order."""

    seed: int
    #: The load ends after these seconds and these messages, and when each fault came so often.
    seconds: float = 0.0
    messages: int = 0
    rounds: int = 1
    postgres: bool = True
    processes: int = 2
    faults: Sequence[str] = ()
    people: int = 12
    devices: int = 2
    groups: int = 6
    #: Messages a second, of all devices together.
    rate: float = 40.0
    #: Edits, comings, goings … for each message.
    chores: float = 0.1
    pace: Pace = field(default_factory=Pace)
    #: Seconds that a store is away, a process stopped, a reader frozen.
    away: float = 3.0
    #: Seconds between two faults, on average.
    gap: float = 3.0
    #: How long an access token is good; devices renew theirs.
    token_minutes: int = 10
    sabotage: str = ""


@dataclass
class Outcome:
    """What a proof found out."""

    plan: Plan
    verdict: Verdict
    timing: Timing
    faults: list[Fault]
    started: float
    #: When the load ended; and the seconds until all devices had everything, None for never.
    quiet: float
    converged: float | None
    #: What was changed beside messages sent, by kind.
    chores: Mapping[str, int]
    rest_failures: int
    devices: int
    #: Access tokens that were renewed.
    renewals: int


class Proof:
    """Runs a plan in `folder`, which keeps the histories."""

    def __init__(self, plan: Plan, folder: Path, say: Callable[[str], None]) -> None:
        self.plan = plan
        self.folder = folder
        self.say = say
        self.rng = random.Random(plan.seed)
        self.proxies: list[Proxy] = []
        self.devices: list[Device] = []
        self.times = Times()
        #: By person: the one that REST is asked in the name of.
        self.sessions: dict[str, Session] = {}
        self._histories: dict[str, History] = {}

    async def run(self) -> Outcome:
        plan = self.plan
        cluster = Cluster(
            postgres=plan.postgres,
            processes=plan.processes,
            token_minutes=plan.token_minutes,
            sabotage=plan.sabotage,
        )
        try:
            self.say("Starting the cluster …")
            cast = await cluster.do(
                cluster.start,
                seed=plan.seed,
                people=plan.people,
                devices=plan.devices,
                groups=plan.groups,
            )
            return await self._with(cluster, cast)
        finally:
            cluster.close()

    async def _with(self, cluster: Cluster, cast: Cast) -> Outcome:
        plan = self.plan
        async with self._standing(cluster, cast) as rest:
            activity = Activity(
                cast.groups,
                self.devices,
                self.sessions,
                rate=plan.rate,
                chores=plan.chores,
                seed=self.rng.randrange(2**32),
            )
            faults = Faults(
                cluster,
                self.proxies,
                self.devices,
                activity,
                away=plan.away,
                seed=self.rng.randrange(2**32),
            )
            started = now()
            self.say(f"{len(self.devices)} devices of {len(cast.people)} people write …")
            activity.start()
            await self._load(faults, started)
            await activity.stop()
            quiet = now()
            self.say("Quiet. Waiting for every device to have everything …")
            database = cluster.stores.database
            behind = await converge(self.devices, database)
            converged = None if behind else now() - quiet
            await asyncio.gather(*(device.stop() for device in self.devices))
            if behind:
                await come_to_rest(database)
            fresh = {
                each.id: await whole_mirror(
                    Session(f"{each.name}, a fresh device", each.fresh, rest), self._door
                )
                for each in cast.people
            }
            truth = await asyncio.to_thread(journal.read, database)
        self.say("Checking …")
        timing = Timing(faults.happened, self.times.acked, truth.changes)
        verdict = await asyncio.to_thread(
            judge, self.devices, self.folder, truth, fresh, behind, timing, self.say
        )
        timing.closes.judge(verdict, started)
        sessions = [*self.sessions.values(), *(device.session for device in self.devices)]
        for session in sessions:
            if session.refused:
                verdict.add("closed wrongly", f"{session.name} was signed out by the server")
        return Outcome(
            plan, verdict, timing, faults.happened, started, quiet, converged,
            activity.chores.done, rest.failures, len(self.devices),
            sum(session.renewals for session in sessions),
        )  # fmt: skip

    def _door(self) -> int:
        return self.rng.choice(self.proxies).port

    # --- Before ---------------------------------------------------------------------------------

    @asynccontextmanager
    async def _standing(self, cluster: Cluster, cast: Cast) -> AsyncIterator[Rest]:
        """Proxies listen, devices are connected; afterwards all of it is closed."""
        self.proxies = [Proxy(port) for port in cluster.ports]
        for proxy in self.proxies:
            await proxy.start()
        rest = Rest(self._door)
        self._make_devices(cast, rest)
        lives = [asyncio.create_task(device.live()) for device in self.devices]
        try:
            await self._all_ready(cluster)
            yield rest
        finally:
            await asyncio.gather(*(device.stop() for device in self.devices))
            for life in lives:
                life.cancel()
            ends = await asyncio.gather(*lives, return_exceptions=True)
            rest.close()
            for proxy in self.proxies:
                await proxy.close()
            for each in self._histories.values():
                each.close()
            for end in ends:
                if isinstance(end, Exception):
                    raise end

    async def _all_ready(self, cluster: Cluster) -> None:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await asyncio.gather(*(device.ready.wait() for device in self.devices))
        except TimeoutError:
            missing = [device.name for device in self.devices if not device.ready.is_set()]
            raise StartError(f"Not connected: {missing}\n{cluster.log_tail()}") from None

    def _make_devices(self, cast: Cast, rest: Rest) -> None:
        pool = RowPool()
        for person in cast.people:
            self.sessions[person.id] = Session(f"{person.name} by REST", person.rest, rest)
            for number, grant in enumerate(person.devices):
                name = f"{person.name}.{number}"
                self._histories[name] = History(self.folder / f"{name}.jsonl")
                self.devices.append(
                    Device(
                        name=name,
                        person=person.id,
                        session=Session(name, grant, rest),
                        doors=self._door,
                        notes=Notes(self._histories[name], self.times),
                        pool=pool,
                        pace=self.plan.pace,
                        rng=random.Random(f"{self.plan.seed} {name}"),
                    )
                )

    # --- Under load -----------------------------------------------------------------------------

    async def _load(self, faults: Faults, started: float) -> None:
        """Faults in two tracks until there was enough of everything."""
        kinds = self.plan.faults
        tracks = [
            asyncio.create_task(self._track(faults, some, started))
            for some in (
                [kind for kind in kinds if not KINDS[kind].network],
                [kind for kind in kinds if KINDS[kind].network],
            )
            if some
        ]
        try:
            while not self._enough(started) or not all(track.done() for track in tracks):
                await asyncio.sleep(0.2)
                for track in tracks:
                    if track.done():
                        track.result()
        finally:
            for track in tracks:
                track.cancel()
            await asyncio.gather(*tracks, return_exceptions=True)

    async def _track(self, faults: Faults, kinds: Sequence[str], started: float) -> None:
        """Each kind once in a random order, and again, until it is enough."""
        rounds = 0
        while rounds < self.plan.rounds or not self._enough(started):
            for kind in self.rng.sample(kinds, len(kinds)):
                await asyncio.sleep(self.rng.uniform(0.5, 1.5) * self.plan.gap)
                await faults.inject(kind)
                if rounds >= self.plan.rounds and self._enough(started):
                    break
            rounds += 1
            stored = sum(device.outbox.answered for device in self.devices)
            self.say(f"  {now() - started:5.0f} s  {stored} answered  {' '.join(kinds)}: {rounds}")

    def _enough(self, started: float) -> bool:
        answered = sum(device.outbox.answered for device in self.devices)
        return now() - started >= self.plan.seconds and answered >= self.plan.messages
