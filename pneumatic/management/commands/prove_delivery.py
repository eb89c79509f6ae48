"""`manage.py prove_delivery`: keep the delivery promise under fault, and show it."""

import asyncio
import gc
import os
import shutil
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError

from pneumatic.loopback.processes import StartError
from pneumatic.proof import report
from pneumatic.proof.faults import KINDS
from pneumatic.proof.outbox import Pace
from pneumatic.proof.sabotage import SABOTAGES
from pneumatic.proof.scenario import Plan, Proof


class Command(BaseCommand):
    help = (
        "Start a cluster of its own, let people write on it while it is broken in every way, "
        "and check that each acknowledged message arrived everywhere, once, in order."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, required=True, help="decides who does what, when")
        length = parser.add_mutually_exclusive_group()
        length.add_argument("--minutes", type=float, default=0.0, help="load for at least so long")
        length.add_argument("--messages", type=int, default=0, help="at least so many acknowledged")
        parser.add_argument(
            "--rounds", type=int, default=1, help="let each fault happen at least so often"
        )
        parser.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
        parser.add_argument("--processes", type=int, default=2, help="of the server (1 on SQLite)")
        parser.add_argument(
            "--faults", default="all", help=f"comma-separated: {', '.join(KINDS)}; all; none"
        )
        parser.add_argument("--people", type=int, default=12)
        parser.add_argument("--devices", type=int, default=3, help="of each person")
        parser.add_argument("--groups", type=int, default=6)
        parser.add_argument("--rate", type=float, default=40.0, help="messages a second, of all")
        parser.add_argument(
            "--chores", type=float, default=0.1, help="edits, comings, goings for each message"
        )
        parser.add_argument("--heartbeat", type=float, default=3.0, help="seconds")
        parser.add_argument(
            "--away", type=float, default=20.0, help="seconds that Redis or a reader is away"
        )
        parser.add_argument("--gap", type=float, default=3.0, help="seconds between two faults")
        parser.add_argument(
            "--token-minutes",
            type=int,
            choices=range(5, 16),
            metavar="MINUTES",
            default=10,
            help="life of an access token, 5 to 15",
        )
        parser.add_argument("--report", type=Path, help="folder for report.html and report.json")
        parser.add_argument(
            "--sabotage",
            choices=sorted(SABOTAGES),
            default="",
            help="run servers that break the promise: the checker has to notice",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("DATABASE_URL", "REDIS_URL"):
            if os.environ.get(name):
                raise CommandError(
                    f"{name} is set. This command starts stores of its own, and crashes and empties"
                    f" them: unset {name} to show that you don't mean yours."
                )
        plan = _plan(options)
        # Millions of rows stay alive to the end, and none of them in a cycle.
        gc.freeze()
        gc.set_threshold(100_000, 50, 1_000)
        with tempfile.TemporaryDirectory(prefix="pneumatic-proof-") as folder:
            try:
                # Devices, proxies and what they write down share one core with the servers.
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    outcome = runner.run(Proof(plan, Path(folder), self._say).run())
            except StartError as error:
                raise CommandError(str(error)) from error
            self.stdout.write(report.as_table(outcome))
            if options["report"]:
                written = report.write(outcome, options["report"])
                self.stdout.write(f"Report: {written}")
                if not outcome.verdict.good:
                    kept = options["report"] / "histories"
                    shutil.copytree(folder, kept, dirs_exist_ok=True)
        if not outcome.verdict.good:
            raise CommandError("The promise was broken.", returncode=1)

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()


def _plan(options: dict[str, Any]) -> Plan:
    postgres = options["database"] == "postgres"
    return Plan(
        seed=options["seed"],
        seconds=options["minutes"] * 60,
        messages=options["messages"],
        rounds=options["rounds"],
        postgres=postgres,
        processes=options["processes"] if postgres else 1,
        faults=_faults(options["faults"], postgres=postgres),
        people=options["people"],
        devices=options["devices"],
        groups=options["groups"],
        rate=options["rate"],
        chores=options["chores"],
        pace=Pace(heartbeat=options["heartbeat"]),
        away=options["away"],
        gap=options["gap"],
        token_minutes=options["token_minutes"],
        sabotage=options["sabotage"],
    )


def _faults(names: str, *, postgres: bool) -> list[str]:
    possible = [name for name, kind in KINDS.items() if postgres or not kind.services]
    if names == "all":
        return possible
    chosen = [] if names == "none" else names.split(",")
    for name in chosen:
        if name not in possible:
            raise CommandError(f"{name} is not one of {', '.join(possible)}.")
    return chosen
