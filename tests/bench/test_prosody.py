"""Prosody is measured under our conditions, or not at all."""

from pathlib import Path

import pytest

from bench.rig.ours import Ours
from bench.rig.prosody import Prosody, configuration, find_prosody
from bench.scenarios.latency import check_stored


def test_it_archives_everything_in_the_database_that_it_is_given() -> None:
    text = configuration(Path("/data"), 5222, "postgresql://me:secret@127.0.0.1:5433/bench_1")
    for line in (
        'host = "127.0.0.1", port = 5433,',
        'database = "bench_1", username = "me", password = "secret"',
        'storage = { archive = "sql" }',
        "default_archive_policy = true",
        "c2s_ports = { 5222 }",
        'interfaces = { "127.0.0.1" }',
    ):
        assert line in text


def test_without_the_program_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_prosody() is None
    (tmp_path / "prosody").touch(mode=0o755)
    assert find_prosody() == tmp_path / "prosody"


@pytest.mark.parametrize(("kind", "rows"), [(Ours, 10), (Prosody, 20)])
def test_a_message_that_was_not_stored_ends_the_comparison(
    monkeypatch: pytest.MonkeyPatch, kind: type[Ours | Prosody], rows: int
) -> None:
    server = kind.__new__(kind)
    monkeypatch.setattr(kind, "stored", lambda _: rows)
    check_stored("it", server, 10)
    monkeypatch.setattr(kind, "stored", lambda _: rows - 1)
    with pytest.raises(RuntimeError, match=f"it stored {rows - 1} rows of 10 messages"):
        check_stored("it", server, 10)
