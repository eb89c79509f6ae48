"""Which fields each thing on the wire always has, written down from the documents."""

import re
from collections.abc import Iterator
from typing import Any, Final

PERSON: Final = "id username display_name avatar"
ROWS: Final = {
    "message": "id conversation seq version sender kind body reply_to attachments mentions "
    "reactions pinned_at created_at edited_at deleted_at",
    "member": "conversation user role joined_at left_at version",
    "conversation": "id kind title topic avatar created_at last_seq version archived_at",
}
ME: Final = "role read_seq unread mentions muted_until pinned"
EVENTS: Final = {
    "welcome": "protocol user session epoch server_time token_expires_at heartbeat limits",
    "sync": "conversation from to reset more data members messages receipts",
    "synced": "",
    "ack": "id conversation seq version created_at duplicate",
    "message": "conversation version data",
    "member": "conversation version data",
    "conversation": "conversation version data",
    "conversation.removed": "conversation",
    "receipt": "conversation user read_seq delivered_seq",
    "typing": "conversation user on",
    "presence": "user online",
    "auth.expiring": "seconds",
    "authed": "token_expires_at",
    "resync": "",
    "error": "code detail",
    "pong": "t server_time",
    "batch": "events",
}
LIMITS: Final = (
    "frame_bytes body_chars title_chars topic_chars ref_chars sync_max conversations page page_max "
    "members members_at_once frames_per_second typing_seconds"
)
ERROR_CODES: Final = {
    "invalid": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "rate_limited": 429,
    "unavailable": 503,
}
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def odd(frame: Any) -> Iterator[str]:
    """What is wrong with the shape of one frame of the server; nothing for a good one."""
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        yield f"not an object with a type: {str(frame)[:100]}"
        return
    kind = frame["type"]
    if kind not in EVENTS:
        return  # A client ignores what it doesn't know; so do we.
    yield from _without(kind, frame, EVENTS[kind])
    yield from _odd_times(kind, frame)
    if kind in ROWS:
        yield from odd_row(kind, frame.get("data"))
    elif kind == "sync":
        yield from odd_row("conversation", frame.get("data"))
        yield from _without("sync.data.me", (frame.get("data") or {}).get("me"), ME)
        for row_kind in ("member", "message"):
            for row in frame.get(f"{row_kind}s", ()):
                yield from odd_row(row_kind, row)
    elif kind == "welcome":
        yield from _without("welcome.user", frame.get("user"), PERSON)
        yield from _without("welcome.limits", frame.get("limits"), LIMITS)
    elif kind == "error" and frame.get("code") not in ERROR_CODES:
        yield f"an error with the code {frame.get('code')!r}"


def odd_row(kind: str, row: Any) -> Iterator[str]:
    """What is wrong with a row, of an event, a sync or a REST answer."""
    yield from _without(f"{kind} row", row, ROWS[kind])
    if isinstance(row, dict):
        yield from _odd_times(f"{kind} row", row)
        if kind == "member":
            yield from _without("member row's user", row.get("user"), PERSON)


def _without(what: str, found: Any, fields: str) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"{what} is {found!r}, not an object"
        return
    missing = [name for name in fields.split() if name not in found]
    if missing:
        yield f"{what} lacks {', '.join(missing)}"


def _odd_times(what: str, found: dict[str, Any]) -> Iterator[str]:
    for name, value in found.items():
        is_time = name.endswith("_at") or name == "server_time"
        if is_time and value is not None and not _TIME.fullmatch(str(value)):
            yield f"{what}.{name} is {value!r}, not RFC 3339 in UTC"
