"""After the load: until every device has everything, and what is found out then."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pneumatic.proof import history, journal
from pneumatic.proof.checker import Checker, Verdict
from pneumatic.proof.device import Device
from pneumatic.proof.history import now
from pneumatic.proof.mirror import Frame
from pneumatic.proof.mirrors import check_device, check_fresh
from pneumatic.proof.timing import Timing

#: Seconds after the end of the load in which every device must have everything.
CONVERGE_SECONDS = 30.0
#: Where that failed: how long the database is given to come to rest, so that it can be read.
_REST_SECONDS = 60.0
_STILL_SECONDS = 3.0

There = dict[str, tuple[int, frozenset[str]]]


async def converge(devices: Sequence[Device], database: str) -> list[str]:
    """Wait until all devices have said and heard everything; returns which didn't in time."""
    since = now()
    while True:
        there = await asyncio.to_thread(journal.versions, database)
        behind = [
            device.name
            for device in devices
            if len(device.outbox) or not _has_everything(device, there)
        ]
        if not behind or now() - since > CONVERGE_SECONDS:
            return behind
        await asyncio.sleep(0.25)


async def come_to_rest(database: str) -> None:
    """Return once nothing changes any more, also what was still on its way."""
    since = now()
    there: There = {}
    while now() - since < _REST_SECONDS:
        before, there = there, await asyncio.to_thread(journal.versions, database)
        if before == there:
            return
        await asyncio.sleep(_STILL_SECONDS)


def judge(
    devices: Sequence[Device],
    folder: Path,
    truth: journal.Truth,
    fresh: Mapping[str, Frame],
    behind: Sequence[str],
    timing: Timing,
    say: Callable[[str], None],
) -> Verdict:
    """Hand everything to the checker; `timing` watches."""
    checker = Checker(truth)
    for device in devices:
        lines = history.read(folder / f"{device.name}.jsonl")
        checker.history(device.name, device.person, timing.watch(device.name, device.person, lines))
    verdict = checker.finish()
    for device in devices:
        if device.stopped_by:
            verdict.add("unconverged", f"{device.name} was sent away: {device.stopped_by}")
        elif device.name in behind:
            verdict.add("unconverged", f"{device.name}: not in {CONVERGE_SECONDS:.0f} s")
        else:
            mirror = device.mirror.durable()
            bases = checker.bases[device.name]
            check_device(verdict, device.name, mirror, fresh[device.person], bases)
    for person, mirror in fresh.items():
        check_fresh(verdict, truth, person, mirror)
    say(f"{verdict.received} rows of {len(devices)} histories were checked.")
    return verdict


def _has_everything(device: Device, there: There) -> bool:
    mine = {
        conversation: version
        for conversation, (version, members) in there.items()
        if device.person in members
    }
    return device.mirror.position()[1] == mine
