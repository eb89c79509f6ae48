"""The socket as an AsyncAPI 3.0 document, for people and for generators of clients."""

import json
from inspect import cleandoc
from typing import Any, Final

from django.conf import settings

from chat import limits, protocol
from chat.management.protocol_export import NOTICE, all_structs, definitions
from chat.protocol import Close
from pneumatic.lib import errors

_SCHEMAS: Final = "#/components/schemas/"
_MESSAGES: Final = "#/components/messages/"
_CHANNEL: Final = "#/channels/socket"

#: What a command is answered with, in the words of the commands; silence is an answer too.
_ANSWERS: Final[dict[type[protocol.Command], tuple[type[protocol.Event], ...]]] = {
    protocol.Hello: (protocol.Welcome, protocol.SyncFrame, protocol.Synced),
    protocol.Send: (protocol.Ack,),
    protocol.Read: (),
    protocol.Delivered: (),
    protocol.Typing: (),
    protocol.Sync: (protocol.SyncFrame, protocol.ConversationRemoved, protocol.Synced),
    protocol.Auth: (protocol.Authed,),
    protocol.Ping: (protocol.Pong,),
}

_DOES: Final[dict[type[protocol.Command], str]] = {
    protocol.Hello: f"The first frame, within {limits.HELLO_SECONDS} seconds: who this is, and "
    "what it knows.",
    protocol.Send: "Send a message under an id that the client has made; a repeat is harmless.",
    protocol.Read: "Everything up to `seq` has been read, and so delivered.",
    protocol.Delivered: "Everything up to `seq` is on this device.",
    protocol.Typing: f"The person writes, or stopped; holds for {limits.TYPING_SECONDS} seconds.",
    protocol.Sync: "What changed since `versions`? Also with every heartbeat.",
    protocol.Auth: "Renew the token in place, with one of the same session.",
    protocol.Ping: "Is anybody there?",
}

_MEANS: Final[dict[type[protocol.Event], str]] = {
    protocol.Welcome: "The hello was understood; who one is, and every limit.",
    protocol.SyncFrame: "The rows of one conversation that changed after `from`.",
    protocol.Synced: "The end of a sync.",
    protocol.Ack: "The message is committed.",
    protocol.MessageEvent: "A message is new, or has changed.",
    protocol.MemberEvent: "Somebody came, left, or has another role or name.",
    protocol.ConversationEvent: "The conversation has changed.",
    protocol.ConversationRemoved: "The person may no longer read it: drop it.",
    protocol.ReceiptEvent: "How far somebody has read and received.",
    protocol.TypingEvent: "Somebody writes, or stopped.",
    protocol.PresenceEvent: "Somebody came online, or went.",
    protocol.AuthExpiring: "The token ends in so many seconds: send `auth`.",
    protocol.Authed: "The new token is in force.",
    protocol.Resync: "The server may have missed events: send `sync`.",
    protocol.ErrorEvent: "That frame failed; the socket lives.",
    protocol.Pong: "The answer to `ping`.",
    protocol.Batch: "Several events in one frame, in order.",
}

_CLOSES: Final[dict[Close, str]] = {
    Close.RESTARTING: "The server restarts.",
    Close.RESTARTING_PRIVATE: "The same, where the server program can't send 1012.",
    Close.UNAUTHENTICATED: "No token, a bad one, or one that ended and was not renewed.",
    Close.TOO_SLOW: "No hello in time, or the client reads too slowly.",
    Close.TOO_MANY: "Too many sockets, or too many frames.",
    Close.BROKEN_CLIENT: f"More than {limits.BAD_FRAMES} malformed frames, one that is too large, "
    "or another subprotocol.",
    Close.REVOKED: "The session was revoked, or the account is suspended.",
    Close.NOT_ALLOWED: "The page's origin is not allowed.",
}

_DESCRIPTION: Final = """
    How a client and a server keep the promise that every message arrives, once, in order. The
    meaning of it all is in docs/protocol.md; REST is described by the OpenAPI document at
    `/api/v1/schema/`.

    One socket per device carries all of its conversations. Any frame of a client may carry `ref`,
    which its answer repeats. Any frame may be answered with `error`. A client ignores types and
    fields that it doesn't know; the server refuses them.
"""

_SECURITY: Final = """
    An access token from `POST /api/v1/auth/token/`. A browser can't set headers on a WebSocket, so
    the token is the `token` of the first frame, `hello`. Other clients may send it in the header
    `Authorization: Bearer …` of the handshake instead. It never stands in the address.
"""


def asyncapi() -> str:
    """An AsyncAPI 3.0 document, from the point of view of the server."""
    document = {
        "asyncapi": "3.0.0",
        "x-notice": NOTICE,
        "info": {
            "title": f"Pneumatic Chat: the socket, {protocol.SUBPROTOCOL}",
            "version": settings.VERSION,
            "description": cleandoc(_DESCRIPTION),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"own": _server("wss"), "development": _server("ws")},
        "channels": {"socket": _channel()},
        "operations": {
            **{_name("receive", each): _operation(each) for each in protocol.COMMANDS},
            **{_name("send", each): _operation(each) for each in protocol.EVENTS},
        },
        "components": {
            "messages": {
                **{each.__name__: _message(each) for each in protocol.COMMANDS},
                **{each.__name__: _message(each) for each in protocol.EVENTS},
            },
            "schemas": _schemas(),
            "securitySchemes": {
                "access": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": cleandoc(_SECURITY),
                }
            },
        },
        "x-error-codes": {
            each.code: {"http": each.status, "title": each.title, "again": each.retryable}
            for each in errors.ALL
        },
        "x-limits": limits.told_to_clients(),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _server(scheme: str) -> dict[str, Any]:
    host = "{host}"
    return {
        "host": host,
        "protocol": scheme,
        "protocolVersion": "13",
        "description": "Every installation is its own server."
        if scheme == "wss"
        else "`make run`, on one's own machine.",
        "variables": {
            "host": {
                "default": "chat.example" if scheme == "wss" else "localhost:8000",
                "description": "Host, and port where it is not the usual one.",
            }
        },
        "security": [{"$ref": "#/components/securitySchemes/access"}],
    }


def _channel() -> dict[str, Any]:
    kinds = (*protocol.COMMANDS, *protocol.EVENTS)
    return {
        "address": "/ws/",
        "title": "One device's socket",
        "description": "Text frames, UTF-8, one JSON object each.",
        "messages": {each.__name__: {"$ref": _MESSAGES + each.__name__} for each in kinds},
        "bindings": {
            "ws": {
                "method": "GET",
                "headers": {
                    "type": "object",
                    "properties": {
                        "Sec-WebSocket-Protocol": {
                            "type": "string",
                            "const": protocol.SUBPROTOCOL,
                        },
                        "Authorization": {
                            "type": "string",
                            "description": "`Bearer …`, in place of the `token` of `hello`.",
                        },
                    },
                    "required": ["Sec-WebSocket-Protocol"],
                },
                "bindingVersion": "0.1.0",
            }
        },
        "x-close-codes": {
            str(code.value): {
                "name": code.name.lower(),
                "meaning": _CLOSES[code],
                "reconnect": code.reconnect,
            }
            for code in Close
        },
    }


def _operation(kind: type[protocol.Command] | type[protocol.Event]) -> dict[str, Any]:
    from_client = issubclass(kind, protocol.Command)
    operation: dict[str, Any] = {
        "action": "receive" if from_client else "send",
        "channel": {"$ref": _CHANNEL},
        "summary": _summary(kind),
        "messages": [_in_channel(kind)],
    }
    if issubclass(kind, protocol.Command):
        answers: list[type[protocol.Event]] = [*_ANSWERS[kind], protocol.ErrorEvent]
        operation["reply"] = {
            "channel": {"$ref": _CHANNEL},
            "messages": [_in_channel(each) for each in answers],
        }
    return operation


def _message(kind: type[protocol.Command] | type[protocol.Event]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": str(kind.__struct_config__.tag),
        "title": kind.__name__,
        "summary": _summary(kind),
        "payload": {"$ref": _SCHEMAS + kind.__name__},
    }
    if "ref" in kind.__struct_fields__:
        message["correlationId"] = {
            "description": "Chosen by the client, repeated by the answer.",
            "location": "$message.payload#/ref",
        }
    return message


def _schemas() -> dict[str, Any]:
    found = definitions(_SCHEMAS)
    found["Event"] = {"oneOf": [{"$ref": _SCHEMAS + each.__name__} for each in protocol.EVENTS]}
    found["Welcome"]["properties"]["limits"] = {
        "type": "object",
        "properties": {name: {"type": "integer"} for name in limits.told_to_clients()},
        "required": list(limits.told_to_clients()),
    }
    missing = {each.__name__ for each in all_structs(protocol.Event)} - set(found)
    if missing:
        raise LookupError(f"events without a schema: {', '.join(sorted(missing))}")
    return dict(sorted(found.items()))


def _summary(kind: type[protocol.Command] | type[protocol.Event]) -> str:
    return _DOES[kind] if issubclass(kind, protocol.Command) else _MEANS[kind]


def _in_channel(kind: type[Any]) -> dict[str, str]:
    return {"$ref": f"{_CHANNEL}/messages/{kind.__name__}"}


def _name(action: str, kind: type[Any]) -> str:
    return f"{action}.{kind.__struct_config__.tag}"
