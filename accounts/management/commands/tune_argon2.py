"""`manage.py tune_argon2`: which parameters of Argon2id this machine can afford."""

import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from argon2.low_level import Type, hash_secret
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

#: OWASP's minimum: less memory is asked for nowhere.
LEAST_KIB: Final = 19_456
_TIMES: Final = 3
_PASSES_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """Parameters, and how long one hash took with them, the best of three."""

    passes: int
    kib: int
    seconds: float


def measured(passes: int, kib: int) -> float:
    """Seconds of one hash: the best of three, for whatever else the machine does only adds."""
    best = float("inf")
    for _ in range(_TIMES):
        begun = time.perf_counter()
        hash_secret(b"seven green lanterns", b"saltsaltsaltsalt", passes, kib, 1, 32, Type.ID)
        best = min(best, time.perf_counter() - begun)
    return best


def choose(target: float, most_kib: int, measure: Callable[[int, int], float]) -> Choice:
    """The most memory, then the most passes, that stay within ``target`` seconds.

    Memory first: it is what a guesser with graphics cards lacks. Never below OWASP's minimum of
    two passes over 19 MiB, even where that takes longer.
    """
    kib = max(LEAST_KIB, most_kib)
    while kib > LEAST_KIB and measure(2, kib) > target:
        kib = max(LEAST_KIB, kib * 3 // 4)
    best = Choice(2, kib, measure(2, kib))
    # Time grows with passes in a straight line; a guess, then its neighbours.
    for passes in range(3, _PASSES_MAX + 1):
        seconds = measure(passes, kib)
        if seconds > target:
            break
        best = Choice(passes, kib, seconds)
    return best


class Command(BaseCommand):
    help = "Measure Argon2id on this machine, and print the settings for a target time."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--milliseconds", type=int, default=250, help="Of one hash, at most.")
        parser.add_argument("--memory", type=int, default=64, help="MiB of one hash, at most.")

    def handle(self, *args: Any, milliseconds: int, memory: int, **options: Any) -> None:
        if not 10 <= milliseconds <= 5000:
            raise CommandError("--milliseconds: use 10 to 5000.")
        if not LEAST_KIB <= memory * 1024 <= 4096 * 1024:
            raise CommandError("--memory: use 19 to 4096.")
        choice = choose(milliseconds / 1000, memory * 1024, measured)
        at_once = settings.ARGON2_AT_ONCE
        self.stdout.write(f"ARGON2_TIME_COST={choice.passes}")
        self.stdout.write(f"ARGON2_MEMORY_KIB={choice.kib}")
        self.stdout.write("ARGON2_PARALLELISM=1")
        self.stderr.write(
            f"# {choice.seconds * 1000:.0f} ms a hash. {at_once} at once (ARGON2_AT_ONCE) take "
            f"{at_once * choice.kib // 1024} MiB in each of {settings.PROCESSES} process(es), and "
            f"manage {at_once / choice.seconds:.0f} sign-ins a second if each has a core."
        )
        if choice.seconds * 1000 > milliseconds:
            self.stderr.write("# Longer than asked for: less would be below OWASP's minimum.")
