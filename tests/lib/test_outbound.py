import threading
import time

import pytest

from pneumatic.lib.http import outbound


def test_what_is_done_in_time_is_returned() -> None:
    assert outbound.in_time(lambda: 7) == 7


def test_what_goes_wrong_is_told_as_it_is() -> None:
    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        outbound.in_time(fail)


def test_what_takes_too_long_is_given_up_and_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbound, "SECONDS", 0.05)
    over = threading.Event()
    try:
        for _ in range(outbound.AT_ONCE + 2):
            began = time.monotonic()
            with pytest.raises(outbound.Unreachable):
                outbound.in_time(over.wait)
            assert time.monotonic() - began < 10
    finally:
        over.set()
    monkeypatch.undo()
    # Those that never had their turn don't take one afterwards.
    assert outbound.in_time(lambda: "next") == "next"
