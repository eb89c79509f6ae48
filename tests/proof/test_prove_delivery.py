"""Real runs of `manage.py prove_delivery`: short ones, and ones with servers that cheat."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: These runs have stores of their own: a pass on services would only repeat them.
once = pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="ran on SQLite already")
SMALL = ["--people", "4", "--devices", "2", "--groups", "2", "--away", "1", "--gap", "0.5"]


def prove(folder: Path, *arguments: str, variables: dict[str, str] | None = None) -> Any:
    """Run the command; returns its report, its exit code and what it printed."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PNEUMATIC_ENV"}
    }
    environment["PNEUMATIC_DATA_DIR"] = str(folder / "data")
    done = subprocess.run(
        [sys.executable, "manage.py", "prove_delivery", "--report", str(folder), *arguments],
        cwd=ROOT,
        env={**environment, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    report = folder / "report.json"
    told = json.loads(report.read_text()) if report.exists() else {}
    return told, done.returncode, done.stdout + done.stderr


@once
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_f1_f14_f17_f18_f21_f26_the_promise_is_kept_on_sqlite(tmp_path: Path) -> None:
    told, code, output = prove(
        tmp_path, "--seed", "1", "--database", "sqlite", "--messages", "40", "--rate", "12", *SMALL
    )
    assert code == 0, output
    assert told["good"]
    assert told["acknowledged"] >= 40
    closes = {each["name"]: set(each["closes"]) for each in told["faults"]}
    assert closes["term"] == {"1012"}
    # One of them may find nobody: whom the other has just cut is not back yet.
    assert closes["kill"] | closes["cut"] == {"1006"}
    assert {each["row"] for each in told["faults"]} == {
        "F1",
        "F14",
        "F17",
        "F18",
        "F19",
        "F21",
        "F26",
    }
    page = (tmp_path / "report.html").read_text()
    assert "<svg" in page
    assert "http" not in page.replace("http-equiv", "")


#: What shows a cheat that the usual options don't: one drain is enough; changes have to be missed.
SHOWN_BY = {
    "drain": ["--faults", "term", "--messages", "5", "--gap", "4"],
    "last-id": [
        "--faults",
        "cut",
        "--messages",
        "60",
        "--rate",
        "8",
        "--chores",
        "1",
        "--gap",
        "0.1",
    ],
}
EVERY_CHANGE = {
    "edited", "deleted", "read", "removed", "left", "joined", "role", "profile", "renamed", "topic",
    "begun", "met", "closed",
}  # fmt: skip


@once
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_every_kind_of_change_is_made(tmp_path: Path) -> None:
    told, code, output = prove(
        tmp_path, "--seed", "4", "--database", "sqlite", "--minutes", "0.5", "--rate", "10",
        "--chores", "1", "--faults", "none", "--people", "4", "--devices", "1", "--groups", "2",
    )  # fmt: skip
    assert code == 0, output
    assert {kind for kind, times in told["chores"].items() if times} == EVERY_CHANGE


@pytest.mark.slow
@pytest.mark.needs_postgres
@pytest.mark.timeout(120)
def test_f3_f4_f5_f8_the_promise_is_kept_by_two_processes(tmp_path: Path) -> None:
    faults = "kill,term,redis-restart,redis-flush,redis-stop,postgres-restart,cut,duplicates"
    told, code, output = prove(
        tmp_path, "--seed", "2", "--messages", "40", "--rate", "12", "--faults", faults, *SMALL
    )
    assert code == 0, output
    assert told["good"]
    rows = {each["row"] for each in told["faults"]}
    assert rows == {"F1", "F3", "F4", "F5", "F8", "F17", "F18", "F21"}
    assert all(each["times"] >= 1 for each in told["faults"])


@once
@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("sabotage", "found"),
    [
        ("dedupe", "duplicated"),
        ("unique", "duplicated"),
        ("ack-before-commit", "lost"),
        ("publish-before-commit", "contradicted"),
        ("sync", "lost"),
        ("last-id", "unconverged"),
        ("membership", "leaked"),
        ("drain", "closed wrongly"),
    ],
)
def test_a_server_that_cheats_is_found_out(tmp_path: Path, sabotage: str, found: str) -> None:
    told, code, output = prove(
        tmp_path, "--sabotage", sabotage, "--seed", "3", "--database", "sqlite",
        "--messages", "50", "--rate", "25", "--faults", "cut,duplicates", *SMALL,
        *SHOWN_BY.get(sabotage, []),
    )  # fmt: skip
    assert code == 1, output
    assert told["violations"][found] > 0, output


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_stores_that_are_somebodys_are_not_touched(tmp_path: Path, name: str) -> None:
    address = {"DATABASE_URL": "postgres://x@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1/0"}
    _, code, output = prove(tmp_path, "--seed", "1", variables={name: address[name]})
    assert code == 1
    assert f"{name} is set" in output


@pytest.mark.slow
@pytest.mark.needs_postgres
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("sabotage", "found"),
    [
        ("dedupe", "duplicated"),
        ("unique", "duplicated"),
        ("ack-before-commit", "lost"),
        ("publish-before-commit", "contradicted"),
    ],
)
def test_a_server_that_cheats_where_it_stores_is_found_out_on_postgres_too(
    tmp_path: Path, sabotage: str, found: str
) -> None:
    """There it is one function of the database that stores what is sent."""
    told, code, output = prove(
        tmp_path, "--sabotage", sabotage, "--seed", "3", "--messages", "50", "--rate", "25",
        "--faults", "cut,duplicates", *SMALL,
    )  # fmt: skip
    assert code == 1, output
    assert told["violations"][found] > 0, output
