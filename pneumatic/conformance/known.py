"""What a device knows: the client's rules, as far as the checks need them."""

from typing import Any

Frame = dict[str, Any]


class Known:
    """Rows by kind, conversation and id, and the version to which each conversation is whole."""

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.versions: dict[str, int] = {}
        self.rows: dict[tuple[str, str, str], Frame] = {}
        self._ahead: dict[str, set[int]] = {}

    def position(self) -> tuple[str | None, dict[str, int]]:
        """What to say in `hello` and `sync`."""
        return self.epoch, dict(self.versions)

    def of(self, conversation: str) -> dict[tuple[str, str], Frame]:
        """The rows of one conversation by kind and id."""
        return {(k[0], k[2]): row for k, row in self.rows.items() if k[1] == conversation}

    def apply(self, frame: Frame) -> None:
        """Take one event in, in whatever order they come."""
        kind = frame.get("type")
        if kind == "welcome":
            self.epoch = frame["epoch"]
        elif kind == "conversation.removed":
            self._drop(frame["conversation"])
            self.versions.pop(frame["conversation"], None)
        elif kind in ("message", "member"):
            self._put(kind, frame["conversation"], frame["data"])
            self._saw(frame["conversation"], frame["version"])
        elif kind == "conversation":
            self._saw(frame["conversation"], frame["version"])
        elif kind == "sync":
            self._sync(frame)

    def _sync(self, frame: Frame) -> None:
        at = frame["conversation"]
        if frame["reset"]:
            self._drop(at)
        for row in frame["members"]:
            self._put("member", at, row)
        for row in frame["messages"]:
            self._put("message", at, row)
        if not frame["more"]:
            self.versions[at] = max(frame["to"], self.versions.get(at, 0))
            self._advance(at)

    def _saw(self, at: str, version: int) -> None:
        self._ahead.setdefault(at, set()).add(version)
        self._advance(at)

    def _advance(self, at: str) -> None:
        ahead = self._ahead.get(at, set())
        while at in self.versions and self.versions[at] + 1 in ahead:
            self.versions[at] += 1

    def _put(self, kind: str, at: str, row: Frame) -> None:
        key = (kind, at, row["user"]["id"] if kind == "member" else row["id"])
        if key not in self.rows or row["version"] >= self.rows[key]["version"]:
            self.rows[key] = row

    def _drop(self, at: str) -> None:
        kept = self._ahead.get(at, set())
        self.rows = {
            key: row for key, row in self.rows.items() if key[1] != at or row["version"] in kept
        }
