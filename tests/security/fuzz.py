"""How much the fuzzers try: little with every run, much on demand."""

import os
from typing import Final

from hypothesis import HealthCheck, Phase, settings

#: Examples of each fuzz test. `PNEUMATIC_FUZZ_EXAMPLES=5000 pytest tests/security/test_fuzz_*.py
#: -o timeout=0` searches for an hour, each time somewhere else.
ON_DEMAND: Final = int(os.environ.get("PNEUMATIC_FUZZ_EXAMPLES", "0"))


def budget(examples: int) -> settings:
    """So many examples, always the same; or as many as were asked for, always others."""
    return settings(
        max_examples=ON_DEMAND or examples,
        derandomize=not ON_DEMAND,
        deadline=None,
        database=None,
        # Making a failure small takes minutes, and is worth them only while somebody waits.
        phases=tuple(Phase) if ON_DEMAND else (Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
