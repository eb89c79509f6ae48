import re
from pathlib import Path

from django.conf import settings

from chat import metrics as chat_metrics
from pneumatic import checks
from pneumatic.lib import health, logs, metrics

DOCS = Path(settings.BASE_DIR) / "docs"


def _first_cells(page: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", (DOCS / page).read_text(), re.MULTILINE)


def test_every_variable_is_described_and_no_other() -> None:
    source = (Path(settings.BASE_DIR) / "pneumatic/settings.py").read_text()
    read = re.findall(r'env\.\w+\(\s*"(\w+)"', source)
    assert len(read) > 20
    described = [name for name in _first_cells("configuration.md") if name.isupper() or "_" in name]
    described = [name for name in described if not name.startswith("pneumatic.")]
    assert sorted(described) == sorted(set(read))


def test_every_check_is_described_and_no_other() -> None:
    files = Path(str(checks.__file__)).parent.glob("*.py")
    source = "\n".join(each.read_text() for each in files)
    described = [name for name in _first_cells("configuration.md") if name.startswith("pneumatic.")]
    assert sorted(described) == sorted(set(re.findall(r'id="(pneumatic\.\w+)"', source)))


def test_every_metric_of_ours_is_described() -> None:
    text = (DOCS / "operations.md").read_text()
    source = "".join(Path(str(each.__file__)).read_text() for each in (metrics, chat_metrics))
    for name in re.findall(r'"(pneumatic_\w+)"', source):
        assert f"`{name}" in text


def test_numbers_in_the_docs_are_those_of_the_code() -> None:
    text = (DOCS / "operations.md").read_text()
    assert f"{logs.LONGEST_TEXT:,} characters" in text
    assert f"within {health.TIMEOUT:.0f} s" in text


def test_every_event_worth_an_alert_is_described_and_no_other() -> None:
    files = [
        path
        for app in ("accounts", "chat", "pneumatic")
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py")
        # Programs of their own, and tests, log nothing that a server's operator sees.
        if not {"tests", "testing", "loopback", "proof", "conformance"}.intersection(path.parts)
    ]
    source = "\n".join(path.read_text() for path in files)
    logged = re.findall(r'\blog\.(\w+)\(\s*"(\w+)"', source)
    table = (DOCS / "operations.md").read_text().partition("Lines worth an alert")[2]
    rows = table.partition("\n## ")[0].splitlines()
    described = {name for row in rows for name in re.findall(r"`(\w+)`", row[: row.find("|", 1)])}
    assert "request_failed" in described
    assert described <= {name for _, name in logged}
    assert {name for level, name in logged if level not in ("debug", "info")} <= described
