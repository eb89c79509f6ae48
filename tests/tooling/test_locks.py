"""The check of the lock files sees what must not pass."""

import pytest

from scripts.check_locks import FLOORS, LOCKS, ROOT, main, pins, problems

HASH = "    --hash=sha256:00\n"
GOOD = f"django==5.2.19 \\\n{HASH}"


def test_the_lock_files_of_this_tree_are_in_order() -> None:
    assert all((ROOT / f"{name}.in").exists() for name in LOCKS)
    assert main() == 0


def test_a_good_pair_has_no_problem() -> None:
    assert list(problems("# why\ndjango==5.2.19\n", GOOD)) == []


def test_names_are_compared_as_installers_compare_them() -> None:
    assert list(problems("Django_X[a,b]==1\n", f"django-x==1 \\\n{HASH}")) == []


def test_another_version_is_found() -> None:
    assert "django is asked for as 5.2.20" in next(problems("django==5.2.20", GOOD))


def test_a_package_that_was_never_locked_is_found() -> None:
    assert "locked as None" in next(problems("daphne==1", GOOD))


def test_a_loose_requirement_is_found() -> None:
    assert "not pinned" in next(problems("django>=5", GOOD))


def test_a_package_without_a_hash_is_found() -> None:
    assert list(problems("", "django==5.2.19\n")) == ["has no hash: django==5.2.19"]


def test_a_host_name_is_found_in_any_form() -> None:
    for line in (
        "--index-url https://packages.example/simple",
        "--find-links /somewhere",
        "django @ file:///somewhere/django.whl",
        "# from https://packages.example",
    ):
        assert any("names a host" in problem for problem in problems("", f"{line}\n{GOOD}"))


@pytest.mark.parametrize("name", FLOORS)
def test_a_version_with_a_known_hole_is_found(name: str) -> None:
    floor, hole = FLOORS[name]
    assert list(problems("", f"{name}=={floor} \\\n{HASH}")) == []
    assert hole in next(problems("", f"{name}==0.0.1 \\\n{HASH}"))


def test_every_floor_is_one_of_a_package_that_we_use() -> None:
    locked = {name for lock in LOCKS for name in pins((ROOT / f"{lock}.txt").read_text())}
    assert set(FLOORS) <= locked
