"""Check one clause after the other."""

import asyncio
import time
from collections.abc import Callable, Sequence

from pneumatic.conformance.clauses import BrokenError, Clause, SkippedError
from pneumatic.conformance.report import Result, Status
from pneumatic.conformance.stage import Stage


async def run(
    stage: Stage,
    clauses: Sequence[Clause],
    *,
    thorough: bool,
    tell: Callable[[Result], None],
) -> list[Result]:
    """Check these clauses in their order; `tell` hears of each result as it comes."""
    results = []
    for clause in clauses:
        began = time.monotonic()
        status, reason = await _judged(stage, clause, thorough)
        result = Result(clause.name, clause.says, status, reason, time.monotonic() - began)
        results.append(result)
        tell(result)
    return results


async def _judged(stage: Stage, clause: Clause, thorough: bool) -> tuple[Status, str]:
    if clause.thorough and not thorough:
        return "skipped", "takes long or sends much: only with --thorough"
    try:
        async with asyncio.timeout(clause.seconds):
            await stage.keep_fresh()
            await clause.check(stage)
    except SkippedError as skipped:
        return "skipped", str(skipped)
    except BrokenError as broken:
        return "failed", str(broken)
    except TimeoutError:
        return "failed", f"not done after {clause.seconds:g} s"
    except OSError as error:
        return "failed", f"the connection failed: {error!r}"
    except (KeyError, IndexError, TypeError, ValueError) as odd:
        # An answer of a shape that the check didn't reckon with is the server's fault.
        return "failed", f"an answer has an unexpected shape: {odd!r}"
    finally:
        await stage.clear()
    return "passed", ""
