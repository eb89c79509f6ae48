"""What a device writes into its history, for the checker to judge and the report to time."""

from dataclasses import dataclass, field

from pneumatic.proof.history import History, now
from pneumatic.proof.mirror import Frame

Row = tuple[str, str, int, int]


@dataclass
class Times:
    """Of each message, whichever device it was on: when it first left, and was first answered."""

    posted: dict[str, float] = field(default_factory=dict)
    acked: dict[str, float] = field(default_factory=dict)


class Notes:
    """One device's pen."""

    def __init__(self, history: History, times: Times) -> None:
        self.write = history.write
        self._times = times

    def sent(self, id: str, conversation: str, via: str) -> None:
        self._times.posted.setdefault(id, now())
        self.write("send", id=id, c=conversation, via=via)

    def ack(self, event: Frame, via: str) -> None:
        self._times.acked.setdefault(event["id"], now())
        self.write(
            "ack", id=event["id"], c=event["conversation"], s=event["seq"],
            v=event["version"], dup=event["duplicate"], via=via,
        )  # fmt: skip

    def rows(self, event: Frame, *, had: set[str], known: int | None) -> None:
        """Rows that came by the socket; `had` are the messages that were there already."""
        kind, conversation = event["type"], event["conversation"]
        messages: list[Frame] = []
        more: Frame = {}
        if kind == "sync":
            messages = event["messages"]
            rows = [*map(_message, messages), *map(_member, event["members"])]
            more = {name: event[name] for name in ("reset", "more", "to")}
            more["last"] = event["data"]["last_seq"]
        elif kind == "message":
            messages = [event["data"]]
            rows = [_message(event["data"])]
        elif kind == "member":
            rows = [_member(event["data"])]
        else:
            rows = [("conversation", conversation, event["version"], 0)]
        posted = self._times.posted
        if not event.get("reset"):
            late = [
                round(now() - posted[row["id"]], 4)
                for row in messages
                if row["id"] in posted and row["id"] not in had
            ]
            if late:
                more["late"] = late
        self.write("in", c=conversation, y=kind, rows=rows, known=known, **more)

    def rest(self, conversation: str, messages: list[Frame]) -> None:
        """Rows that came by REST; the mirror doesn't take them."""
        self.write("in", c=conversation, y="rest", rows=list(map(_message, messages)), known=None)

    def position(self, event: Frame) -> None:
        self.write(
            "at", c=event["conversation"], u=event["user"],
            read=event["read_seq"], got=event["delivered_seq"],
        )  # fmt: skip


def _message(row: Frame) -> Row:
    return "message", row["id"], row["version"], row["seq"]


def _member(row: Frame) -> Row:
    return "member", row["user"]["id"], row["version"], 0
