"""Every number that a client meets, in one place; `welcome` tells those that it needs to know."""

from typing import Final

#: Largest frame that a client may send, in bytes of UTF-8.
FRAME_BYTES: Final = 65_536
#: Longest message body, in characters (Unicode code points).
BODY_CHARS: Final = 4_000
TITLE_CHARS: Final = 100
TOPIC_CHARS: Final = 250
#: Longest `ref` of a frame, in characters.
REF_CHARS: Final = 64
#: A device further behind than this many changes gets the conversation anew.
SYNC_MAX: Final = 1_000
#: Rows in one `sync` frame: below any server's limit for an outgoing frame.
SYNC_FRAME_ROWS: Final = 50
#: Messages in a page of history: the default, the most, and what a reset brings along.
PAGE: Final = 50
PAGE_MAX: Final = 100
#: Members of a group, and how many of them one request may name.
MEMBERS: Final = 10_000
MEMBERS_AT_ONCE: Final = 100
#: Above this many members, receipts and presence are not part of a snapshot.
SMALL_CONVERSATION: Final = 50
#: Conversations whose members hear of a person's coming and going.
PRESENCE_CONVERSATIONS: Final = 200
#: Conversations that a person can be in: their versions must fit into one `hello`.
CONVERSATIONS: Final = 1_000
#: Seconds between two heartbeats of a client.
HEARTBEAT: Final = 25
#: Hellos that one process answers at the same time; the others wait for their turn. They share
#: their reads.
WELCOMES_AT_ONCE: Final = 32
#: Those that catch up at the same time, each with reads of its own.
CATCH_UPS_AT_ONCE: Final = 4
#: Seconds to say hello in, after the socket opened.
HELLO_SECONDS: Final = 5
#: Seconds before a token's end at which the client is asked for a new one, and after it that the
#: socket stays open without one.
AUTH_WARNING: Final = 60
AUTH_GRACE: Final = 25
#: Malformed frames before a socket is closed as broken.
BAD_FRAMES: Final = 10
#: Frames a second of one socket, and how many may come in one burst.
FRAMES_PER_SECOND: Final = 20
FRAMES_BURST: Final = 100
#: Bytes and frames that may wait for a slow reader before its socket is closed. A letter counts as
#: one byte: in texts that are not all ASCII it may take four.
OUTBOUND_BYTES: Final = 1_048_576
OUTBOUND_FRAMES: Final = 2_000
#: Seconds that "is typing" holds unless renewed.
TYPING_SECONDS: Final = 6
#: Seconds that a device counts as online after its process last said so, which it does every third
#: of that. Others hear that a killed process's people are gone within another third.
PRESENCE_SECONDS: Final = 45


def told_to_clients() -> dict[str, int]:
    """The `limits` of `welcome`."""
    return {
        "frame_bytes": FRAME_BYTES,
        "body_chars": BODY_CHARS,
        "title_chars": TITLE_CHARS,
        "topic_chars": TOPIC_CHARS,
        "ref_chars": REF_CHARS,
        "sync_max": SYNC_MAX,
        "conversations": CONVERSATIONS,
        "page": PAGE,
        "page_max": PAGE_MAX,
        "members": MEMBERS,
        "members_at_once": MEMBERS_AT_ONCE,
        "frames_per_second": FRAMES_PER_SECOND,
        "typing_seconds": TYPING_SECONDS,
    }
