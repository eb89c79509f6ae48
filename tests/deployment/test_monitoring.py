"""The dashboard and the alerts ask for metrics and labels that the server really has."""

import json
import re
from typing import Any

import pytest
from django_prometheus import middleware
from prometheus_client import REGISTRY

import chat.metrics  # noqa: F401 - these two register our own
import pneumatic.lib.metrics  # noqa: F401
from tests.deployment.files import parsed, text

DASHBOARD = "deploy/grafana/dashboards/pneumatic.json"
# Written by Prometheus itself about what it scrapes.
OF_PROMETHEUS = {"up"}
SUFFIXES = ("_total", "_bucket", "_sum", "_count")
LABELS_OF_EVERY_SERIES = {"job", "instance", "le"}


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text(DASHBOARD))
    return loaded


def expressions() -> list[str]:
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    rules = parsed("deploy/prometheus/alerts.yml")["groups"][0]["rules"]
    return panels + [rule["expr"] for rule in rules]


def known_labels() -> dict[str, set[str]]:
    """Each metric's base name → its labels."""
    middleware.Metrics.get_instance()
    found = {}
    for collector in list(REGISTRY._collector_to_names):
        name = getattr(collector, "_name", None)
        if name is not None:
            found[name] = set(getattr(collector, "_labelnames", ()))
    return found


def base_name(series: str) -> str:
    for suffix in SUFFIXES:
        if series.endswith(suffix):
            return series.removesuffix(suffix)
    return series


@pytest.mark.parametrize("expression", expressions())
def test_every_series_and_label_exists(expression: str) -> None:
    known = known_labels()
    series = set(re.findall(r"\b((?:pneumatic|django)_\w+|up)(?=[{\[\s]|$)", expression))
    assert series
    for name in series - OF_PROMETHEUS:
        assert base_name(name) in known, f"{name} is not among the server's metrics"
    allowed = LABELS_OF_EVERY_SERIES.union(*(known.get(base_name(name), set()) for name in series))
    used = set(re.findall(r"[{,](\w+)[=!]~?", expression))
    for grouped in re.findall(r"by \(([^)]*)\)", expression):
        used |= {label.strip() for label in grouped.split(",")}
    assert used - {""} <= allowed


@pytest.mark.parametrize("expression", expressions())
def test_every_bracket_is_closed(expression: str) -> None:
    for opening, closing in ("()", "[]", "{}"):
        assert expression.count(opening) == expression.count(closing)


def test_every_panel_has_its_own_id_and_place() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_every_alert_says_what_to_do() -> None:
    for rule in parsed("deploy/prometheus/alerts.yml")["groups"][0]["rules"]:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "action"}


def test_prometheus_loads_the_alerts_and_scrapes_the_server() -> None:
    configuration = parsed("deploy/prometheus/prometheus.yml")
    assert configuration["rule_files"] == ["alerts.yml"]
    assert configuration["scrape_configs"][0]["metrics_path"] == "/metrics"


def test_the_collector_uses_only_components_that_it_configures() -> None:
    collector = parsed("deploy/otel/collector.yaml")
    for pipeline in collector["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(collector[kind])
    assert set(collector["service"]["extensions"]) <= set(collector["extensions"])
