"""Golden files: what a device was told and what it must know then, for clients in any language.

Ids and times differ in every run. Ids are replaced by ones that count up in their order of
appearance, times by one and the same, so that a file changes only when the wire does. Write the
files anew with `PNEUMATIC_WRITE_GOLDEN=1`.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def timeless(content: Any) -> Any:
    """The content with ids and times that are the same in every run."""
    text = json.dumps(content, ensure_ascii=False)
    ids: dict[str, str] = {}

    def plain_id(match: re.Match[str]) -> str:
        return ids.setdefault(match[0], f"00000000-0000-4000-8000-{len(ids) + 1:012d}")

    return json.loads(_TIME.sub("2026-01-01T00:00:00.000Z", _ID.sub(plain_id, text)))


def check(path: Path, content: Any) -> None:
    """Compare with the file; writes it instead where `PNEUMATIC_WRITE_GOLDEN` is set."""
    content = timeless(content)
    if os.environ.get("PNEUMATIC_WRITE_GOLDEN"):
        text = json.dumps(content, ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == content
