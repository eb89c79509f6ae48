"""Our server under measure: what is given to it."""

from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.rig.ours import Ours


def test_two_that_are_called_the_same_share_neither_folder_nor_channels(tmp_path: Path) -> None:
    stores: Any = SimpleNamespace(
        folder=tmp_path,
        new_database=lambda: "postgres://nobody@localhost/nothing",
        redis_number=lambda number: f"redis://localhost/{number}",
    )
    with ExitStack() as stack:
        one, other = (Ours(stack, stores, "crowd") for _ in range(2))
    assert one.folder != other.folder
    assert one.environment["REDIS_PREFIX"] != other.environment["REDIS_PREFIX"]
