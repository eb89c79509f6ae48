"""Each close code has a fault behind it, or it is a violation."""

import pytest

from pneumatic.proof.checker import Verdict
from pneumatic.proof.closes import PING_SECONDS, Close, Closes
from pneumatic.proof.faults import Fault

HERE, ELSEWHERE = 8001, 8002


def of_process(kind: str) -> Fault:
    return Fault(kind, 10.0, 11.0, ["a"], HERE, 12.0)


def of_network(kind: str) -> Fault:
    return Fault(kind, 10.0, 12.0, ["a"], over=12.0)


def verdict_on(*closes: Close, faults: list[Fault]) -> Verdict:
    found = Closes(faults)
    for close in closes:
        found.add(close)
    verdict = Verdict()
    found.judge(verdict, started=0.0)
    return verdict


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (of_process("term"), 1012),
        (of_process("kill"), 1006),
        (of_network("frozen"), 4408),
        (of_network("cut"), 1006),
    ],
)
def test_a_socket_that_ends_as_its_fault_ends_it_is_well(fault: Fault, code: int) -> None:
    assert verdict_on(Close("a", HERE, 11.5, code), faults=[fault]).good


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (of_process("term"), 1006),
        (of_process("term"), 4408),
        (of_process("kill"), 1012),
        (of_network("frozen"), 1006),
        (of_network("late"), 1006),
        (Fault("redis-restart", 10.0, 12.0, ["a"], over=12.0), 1006),
        (Fault("redis-restart", 10.0, 12.0, ["a"], over=12.0), 4408),
        (of_process("pause"), 1006),
        (of_process("term"), 4401),
    ],
)
def test_another_code_is_named_with_what_was_due(fault: Fault, code: int) -> None:
    verdict = verdict_on(Close("a", HERE, 11.5, code), faults=[fault])
    assert verdict.counts == {"closed wrongly": 1}
    (violation,) = verdict.violations
    assert f"a met {code} at 11.50 s" in violation.detail
    assert f"during {fault.kind}, which ends sockets with" in violation.detail


@pytest.mark.parametrize(
    "close",
    [
        Close("a", ELSEWHERE, 11.5, 1012),  # the other process was not told to end
        Close("a", HERE, 9.0, 1012),
        Close("a", HERE, 20.0, 1012),
    ],
)
def test_a_fault_elsewhere_or_at_another_time_explains_nothing(close: Close) -> None:
    verdict = verdict_on(close, faults=[of_process("term")])
    assert verdict.counts == {"closed wrongly": 1}
    assert "during no fault" in verdict.violations[0].detail


def test_a_network_fault_of_another_device_explains_nothing() -> None:
    cut = of_network("cut")
    assert not verdict_on(Close("b", HERE, 11.5, 1006), faults=[cut]).good


def test_a_device_that_is_frozen_hears_of_the_drain_after_the_thaw() -> None:
    frozen = Fault("frozen", 11.0, 30.0, ["a"], over=30.0)
    close = Close("a", HERE, 31.0, 1012)
    assert verdict_on(close, faults=[of_process("term"), frozen]).good
    assert not verdict_on(close._replace(device="b"), faults=[of_process("term"), frozen]).good


def test_a_device_that_is_frozen_during_a_drain_may_miss_the_goodbye_and_no_other() -> None:
    frozen = Fault("frozen", 10.5, 13.0, ["a"], over=13.0)
    close = Close("a", HERE, 13.1, 1006)
    assert verdict_on(close, faults=[of_process("term"), frozen]).good
    assert not verdict_on(close._replace(device="b"), faults=[of_process("term"), frozen]).good
    before = Fault("frozen", 7.0, 9.5, ["a"], over=9.5)
    assert not verdict_on(close, faults=[of_process("term"), before]).good


def test_a_device_that_is_frozen_for_as_long_as_pings_wait_may_be_taken_for_gone() -> None:
    def frozen(seconds: float) -> Fault:
        return Fault("frozen", 10.0, 10.0 + seconds, ["a"], over=10.0 + seconds)

    close = Close("a", HERE, 10.0 + PING_SECONDS + 0.1, 1011)
    assert verdict_on(close, faults=[frozen(PING_SECONDS)]).good
    assert not verdict_on(close._replace(device="b"), faults=[frozen(PING_SECONDS)]).good
    # Who was frozen for less has had time to answer.
    assert not verdict_on(close, faults=[frozen(PING_SECONDS - 1)]).good


def test_what_is_explained_is_counted_by_its_fault() -> None:
    found = Closes([of_process("kill"), of_network("cut")])
    found.add(Close("a", HERE, 11.5, 1006))
    found.add(Close("a", ELSEWHERE, 11.5, 1006))
    assert found.by_kind == {"kill": {1006: 1}, "cut": {1006: 1}}
