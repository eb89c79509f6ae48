"""What came out: a table for people, JSON for machines."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Result:
    """How one clause came out; `reason` is empty for a passed one."""

    name: str
    says: str
    status: Status
    reason: str
    seconds: float


def line(result: Result) -> str:
    """One line of the table, and one more for the reason."""
    text = f"{result.status:8}{result.seconds:6.2f} s  {result.name:32}  {result.says}"
    return f"{text}\n{'':18}{result.reason}" if result.reason else text


def summary(results: Sequence[Result], waited: float) -> str:
    """The counts, and what would mislead without a word."""
    counts = Counter(each.status for each in results)
    text = (
        f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped "
        f"in {sum(each.seconds for each in results):.1f} s"
    )
    if waited:
        text += f"\nThe server's rate limits made us wait {waited:.0f} s."
    return text


def as_json(results: Sequence[Result], url: str) -> str:
    """Everything, for `--json`."""
    counts = Counter(each.status for each in results)
    document = {
        "url": url,
        "protocol": "pneumatic.v1",
        **{status: counts[status] for status in ("passed", "failed", "skipped")},
        "clauses": [{**asdict(each), "seconds": round(each.seconds, 3)} for each in results],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
