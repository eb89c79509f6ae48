"""The process: one command as JSON on each line of standard input, its result as JSON on a line.

`python -m bench.generator PLAN.json`, where the plan says which devices there are. Its commands are
`open`, `run`, `heartbeats`, `revoked` (see `Load`) and `close`; end of input ends it.
"""

import asyncio
import gc
import json
import resource
import sys
from pathlib import Path
from typing import Any

import uvloop

from bench.generator.load import Load


async def _serve(load: Load) -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command: dict[str, Any] = json.loads(line)
        answer = await _do(load, command.pop("do"), command)
        print(json.dumps(answer), flush=True)


async def _do(load: Load, what: str, options: dict[str, Any]) -> dict[str, Any]:
    match what:
        case "open":
            settle = options.pop("settle", 20.0)
            opened = await load.open(**{"attempts": 3, **options})
            return {**opened, "settled_s": await load.settle(settle)}
        case "run":
            return await load.run(**options)
        case "heartbeats":
            return await load.heartbeats(**options)
        case "revoked":
            return await load.revoked(**options)
        case "close":
            for each in load.connections:
                each.close()
            return {}
    raise ValueError(what)


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    plan: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    load = Load(plan)
    gc.freeze()
    # What it keeps is a few lists of numbers: no cycles to look for, and pauses would be measured.
    gc.disable()
    uvloop.run(_serve(load))


if __name__ == "__main__":
    main()
