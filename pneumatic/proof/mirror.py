"""What a device knows: the client's side of the promise, written once more in Python.

It shares no code with the server, nor with the browser's store; the golden files hold the two
clients to the same results.
"""

from typing import Any

Frame = dict[str, Any]


class MirroredConversation:
    """Rows by key, and the version up to which everything is known."""

    def __init__(self) -> None:
        self.row: Frame | None = None
        self.known: int | None = None
        self.ahead: set[int] = set()
        self.members: dict[str, Frame] = {}
        self.messages: dict[str, Frame] = {}
        self.receipts: dict[str, Frame] = {}

    @property
    def has_gap(self) -> bool:
        return bool(self.ahead)

    def saw(self, version: int) -> None:
        """A change with this version has been applied."""
        if self.known is None or version > self.known:
            self.ahead.add(version)
        self._advance()

    def has_everything_to(self, version: int) -> None:
        """A sync says so: holes below are final."""
        self.known = version if self.known is None else max(self.known, version)
        self._advance()

    def _advance(self) -> None:
        if self.known is None:
            return
        self.ahead = {version for version in self.ahead if version > self.known}
        while self.known + 1 in self.ahead:
            self.known += 1
            self.ahead.discard(self.known)


class Mirror:
    """All conversations of one device."""

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.conversations: dict[str, MirroredConversation] = {}
        #: Positions in conversations that are not here yet; the sync that brings one may be older.
        self._early: dict[str, list[Frame]] = {}

    def position(self) -> tuple[str | None, dict[str, int]]:
        """What to say in `hello` or `sync`."""
        return self.epoch, {
            conversation_id: each.known
            for conversation_id, each in self.conversations.items()
            if each.known is not None
        }

    def apply(self, frame: Frame) -> None:
        """Take one event in, whatever the order in which events come."""
        match frame["type"]:
            case "welcome":
                if self.epoch != frame["epoch"]:
                    self.conversations.clear()
                    self._early.clear()
                self.epoch = frame["epoch"]
            case "sync":
                self._sync(frame)
            case "message":
                each = self._of(frame)
                _upsert(each.messages, frame["data"]["id"], frame["data"])
                each.saw(frame["version"])
            case "member":
                each = self._of(frame)
                _upsert(each.members, frame["data"]["user"]["id"], frame["data"])
                each.saw(frame["version"])
            case "conversation":
                each = self._of(frame)
                if each.row is None or frame["version"] > each.row["version"]:
                    me = (each.row or {}).get("me")
                    each.row = {**frame["data"], **({"me": me} if me else {})}
                each.saw(frame["version"])
            case "conversation.removed":
                self.conversations.pop(frame["conversation"], None)
                self._early.pop(frame["conversation"], None)
            case "receipt":
                if each_known := self.conversations.get(frame["conversation"]):
                    _position(each_known.receipts, frame)
                else:
                    self._early.setdefault(frame["conversation"], []).append(frame)
            case "synced":
                for receipt in frame.get("receipts", []):
                    if each_known := self.conversations.get(receipt["conversation"]):
                        _position(each_known.receipts, receipt)

    def history(self, conversation_id: str) -> list[Frame]:
        """The messages in their order."""
        rows = self.conversations[conversation_id].messages.values()
        return sorted(rows, key=lambda row: int(row["seq"]))

    def durable(self) -> Frame:
        """What must be the same on every device of a person."""
        return {
            conversation_id: {
                "known": each.known,
                "title": each.row and each.row["title"],
                "topic": each.row and each.row["topic"],
                "members": each.members,
                "messages": each.messages,
            }
            for conversation_id, each in self.conversations.items()
            if each.known is not None
        }

    def _sync(self, frame: Frame) -> None:
        each = self._of(frame)
        if frame["reset"]:
            fresh = self.conversations[frame["conversation"]] = MirroredConversation()
            fresh.ahead = each.ahead
            # What came live while the sync was on its way is newer than what it brings.
            fresh.messages = {k: r for k, r in each.messages.items() if r["version"] in each.ahead}
            fresh.members = {k: r for k, r in each.members.items() if r["version"] in each.ahead}
            if each.row is not None and each.row["version"] in each.ahead:
                fresh.row = each.row
            fresh.receipts = each.receipts
            each = fresh
        if each.row is None or frame["data"]["version"] >= each.row["version"]:
            each.row = frame["data"]
        else:
            # Older than what came live meanwhile; but `me` comes with snapshots only.
            each.row = {**each.row, "me": frame["data"]["me"]}
        for row in frame["members"]:
            _upsert(each.members, row["user"]["id"], row)
        for row in frame["messages"]:
            _upsert(each.messages, row["id"], row)
        for receipt in [*frame["receipts"], *self._early.pop(frame["conversation"], [])]:
            _position(each.receipts, receipt)
        if not frame["more"]:
            each.has_everything_to(frame["to"])

    def _of(self, frame: Frame) -> MirroredConversation:
        return self.conversations.setdefault(frame["conversation"], MirroredConversation())


def _upsert(rows: dict[str, Frame], key: str, row: Frame) -> None:
    if key not in rows or row["version"] >= rows[key]["version"]:
        rows[key] = row


def _position(receipts: dict[str, Frame], receipt: Frame) -> None:
    known = receipts.get(receipt["user"], {"read_seq": 0, "delivered_seq": 0})
    receipts[receipt["user"]] = {
        "user": receipt["user"],
        "read_seq": max(known["read_seq"], receipt["read_seq"]),
        "delivered_seq": max(known["delivered_seq"], receipt["delivered_seq"]),
    }
