"""What a clause is: one sentence of the protocol, and a check that it holds."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from pneumatic.conformance.stage import Stage

Check = Callable[["Stage"], Awaitable[None]]

#: Seconds that an answer may take, and that a check may take altogether.
PATIENCE: Final = 10.0
CHECK_SECONDS: Final = 60.0
THOROUGH_SECONDS: Final = 240.0


class BrokenError(Exception):
    """The server does not keep the clause; the text says what it did instead."""


class SkippedError(Exception):
    """The clause can't be judged here; the text says why."""


@dataclass(frozen=True)
class Clause:
    """`name` is `<part of the protocol>/<what>`; `says` is the sentence that is checked."""

    name: str
    says: str
    check: Check
    #: Takes long or sends much: only with `--thorough`.
    thorough: bool = False

    @property
    def seconds(self) -> float:
        return THOROUGH_SECONDS if self.thorough else CHECK_SECONDS


CLAUSES: Final[list[Clause]] = []


def clause(name: str, says: str, *, thorough: bool = False) -> Callable[[Check], Check]:
    """Decorates a check: it is a clause from now on. It passes when it raises nothing."""

    def note(check: Check) -> Check:
        CLAUSES.append(Clause(name, says, check, thorough))
        return check

    return note


def require(holds: object, otherwise: str) -> None:
    """Go on if `holds`; else the clause is broken, `otherwise` says how."""
    if not holds:
        raise BrokenError(otherwise)


def same(found: Any, expected: Any, what: str) -> None:
    """The two must be equal."""
    if found != expected:
        raise BrokenError(f"{what} is {_short(found)}, not {_short(expected)}")


def skip(reason: str) -> NoReturn:
    """This clause can't be judged here."""
    raise SkippedError(reason)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
