from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine

from pneumatic.lib.times import now, rfc3339


@pytest.mark.parametrize("offset", [0, 5.5, -3])
def test_a_moment_is_written_in_utc_with_milliseconds(offset: float) -> None:
    moment = datetime(2026, 5, 1, 9, 30, 0, 999_999, UTC)
    assert rfc3339(moment) == "2026-05-01T09:30:00.999Z"
    there = moment.astimezone(timezone(timedelta(hours=offset)))
    assert rfc3339(there) == "2026-05-01T09:30:00.999Z"


def test_now_is_written_as_any_moment() -> None:
    for moment in (
        datetime(2026, 5, 1, 9, 30, 0, 7_000, UTC),
        datetime(2026, 5, 1, 9, 30, 0, 999_999, UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    ):
        with time_machine.travel(moment, tick=False):
            assert now() == rfc3339(moment)
