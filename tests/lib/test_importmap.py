import json
from pathlib import Path

import pytest
from pytest_django import Settings

from pneumatic.lib.http import importmap


@pytest.fixture
def modules(tmp_path: Path, settings: Settings) -> Path:
    for name in ("app/main.js", "app/core/store.js", "app/core/notes.txt", "vendor/preact.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "vendor/importmap.json").write_text('{"preact": "vendor/preact.js"}')
    settings.STATICFILES_DIRS = [tmp_path]
    importmap._cached.cache_clear()
    return tmp_path


def test_every_module_has_its_static_address_and_libraries_their_bare_names(modules: Path) -> None:
    assert json.loads(importmap.import_map()) == {
        "imports": {
            "app/core/store.js": "/static/app/core/store.js",
            "app/main.js": "/static/app/main.js",
            "vendor/preact.js": "/static/vendor/preact.js",
            "preact": "/static/vendor/preact.js",
        }
    }


def test_in_development_a_new_file_is_found_at_once_in_production_never(
    modules: Path, settings: Settings
) -> None:
    before = importmap.import_map()
    settings.PRODUCTION = True
    assert importmap.import_map() == before
    (modules / "app/new.js").write_text("")
    assert importmap.import_map() == before
    settings.PRODUCTION = False
    assert "app/new.js" in importmap.import_map()
    importmap._cached.cache_clear()


def test_nothing_in_it_can_end_the_script_element() -> None:
    value = {"</script><!--": "&\u2028<script>"}
    text = importmap.script_safe(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value
