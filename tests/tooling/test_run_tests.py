"""The summary of a test run hides nothing."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

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


@pytest.fixture
def unsteady_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Pass]:
    """`run(BODY)`: a pass of a file with one good test and one of this body."""
    monkeypatch.setattr(run_tests, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(run_tests, "ROOT", tmp_path)
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}

    def run(body: str) -> Pass:
        (tmp_path / "test_it.py").write_text(
            f"from pathlib import Path\ndef test_good(): pass\ndef test_other(): {body}\n"
        )
        result = Pass("SQLite")
        # Nothing of this project's: neither its settings nor its plugins.
        options = ["-p", "no:django", "-c", os.devnull, "--rootdir", str(tmp_path)]
        run_tests.run_pytest(result, "it", [*options, str(tmp_path)], environment)
        return result

    return run


def test_a_test_that_passes_alone_is_named_and_not_failed(
    unsteady_tests: Callable[[str], Pass],
) -> None:
    found = unsteady_tests("p = Path('seen'); seen = p.exists(); p.touch(); assert seen")
    assert (found.failed, found.counts["tests"], found.counts["fail"]) == (False, 2, 0)
    assert "UNSTEADY, failed and then passed alone: test_it::test_other" in summary([found])


def test_a_test_that_fails_twice_has_failed(unsteady_tests: Callable[[str], Pass]) -> None:
    found = unsteady_tests("assert False")
    assert (found.failed, found.counts["fail"], found.unsteady) == (True, 1, [])
