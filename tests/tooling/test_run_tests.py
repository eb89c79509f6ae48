"""The summary of a test run hides nothing."""

from collections import Counter

import pytest

from scripts import run_tests
from scripts.run_tests import Pass, summary


def passed() -> Pass:
    return Pass("SQLite", counts=Counter(tests=12, skipped=2), skips=Counter({"needs Redis": 2}))


def lacking() -> Pass:
    return Pass("PostgreSQL, Redis", missing=["Redis: no `redis-server` program was found"])


def test_it_counts_what_ran_and_names_every_reason_to_skip() -> None:
    text = summary([passed()])
    assert "10 ran, 0 failed, 2 skipped" in text
    assert "skipped 2: needs Redis" in text
    assert "Tests run: 10" in text
    assert "!!!" not in text


def test_what_could_not_be_had_is_loud() -> None:
    text = summary([passed(), lacking()])
    assert "NOT RUN" in text
    assert "NOT EVERYTHING WAS TESTED" in text
    assert "Redis: no `redis-server` program was found" in text


@pytest.mark.parametrize(("in_ci", "status"), [("true", 1), ("", 0)])
def test_only_in_ci_is_a_lack_an_error(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    in_ci: str,
    status: int,
) -> None:
    monkeypatch.setenv("CI", in_ci)
    monkeypatch.setattr(run_tests, "RESULTS", tmp_path_factory.mktemp("results"))
    monkeypatch.setattr(run_tests, "PASSES", {"sqlite": passed, "services": lacking})
    assert run_tests.main([]) == status


def test_a_failed_pass_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(run_tests, "RESULTS", tmp_path_factory.mktemp("results"))
    monkeypatch.setattr(
        run_tests, "PASSES", {"sqlite": passed, "node": lambda: Pass("Node", failed=True)}
    )
    assert run_tests.main([]) == 1


def test_an_unknown_pass_is_refused() -> None:
    assert run_tests.main(["everything"]) == 2
