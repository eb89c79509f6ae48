"""The wire's types for other programs: JSON Schema for any, TypeScript for the browser client."""

import json
from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from chat import limits, protocol
from pneumatic.lib import errors

_DEFINITIONS: Final = "#/$defs/"
NOTICE: Final = "Made by `manage.py export_protocol` from chat/protocol/; don't edit."

Schema = dict[str, Any]


def json_schema() -> str:
    """A JSON Schema (2020-12) that holds for every frame; `$defs` has each type by its name."""
    found = definitions()
    for name, kinds in (("Command", protocol.COMMANDS), ("Event", protocol.EVENTS)):
        found[name] = {"oneOf": [{"$ref": _DEFINITIONS + each.__name__} for each in kinds]}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": NOTICE,
        "title": protocol.SUBPROTOCOL,
        "description": "One text frame: what a client says (Command) or the server (Event).",
        "anyOf": [{"$ref": f"{_DEFINITIONS}Command"}, {"$ref": f"{_DEFINITIONS}Event"}],
        "$defs": dict(sorted(found.items())),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def typescript() -> str:
    """The same as declarations; `Limits`, `ErrorCode` and `CloseCode` beside them."""
    found = definitions()
    parts = [f"// {NOTICE}"]
    parts += [_interface(name, found[name]) for name in sorted(found)]
    parts += [
        _union("Command", (each.__name__ for each in protocol.COMMANDS)),
        _union("Event", (each.__name__ for each in protocol.EVENTS)),
        _union("ErrorCode", (json.dumps(each.code) for each in errors.ALL)),
        _union("CloseCode", (str(each.value) for each in protocol.Close)),
        _block("Limits", (f"{name}: number" for name in limits.told_to_clients())),
    ]
    return "\n\n".join(parts) + "\n"


def definitions(at: str = _DEFINITIONS) -> dict[str, Schema]:
    """The JSON Schema of every type by its name; references between them begin with `at`."""
    _, components = msgspec.json.schema_components(
        [*protocol.COMMANDS, *protocol.EVENTS], ref_template=at + "{name}"
    )
    structs = {each.__name__: each for each in all_structs(Struct)}
    for name, schema in components.items():
        schema.pop("title", None)
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
        schema["required"] = _always_there(structs[name], schema)
    # Events that were encoded before: a type of its own would encode them twice.
    components["Batch"]["properties"]["events"]["items"] = {"$ref": f"{at}Event"}
    return components


def all_structs(kind: type[Struct]) -> Iterable[type[Struct]]:
    """Every class below `kind`."""
    for each in kind.__subclasses__():
        yield each
        yield from all_structs(each)


def _always_there(kind: type[Struct], schema: Schema) -> list[str]:
    """The fields that a client must send, or that the server never leaves out."""
    if issubclass(kind, protocol.Command) or kind.__struct_config__.omit_defaults:
        return list(schema.get("required", ()))
    unset = {each.encode_name for each in msgspec.structs.fields(kind) if each.default is UNSET}
    return [name for name in schema["properties"] if name not in unset]


# --- TypeScript ---------------------------------------------------------------------------------


def _interface(name: str, schema: Schema) -> str:
    required = set(schema["required"])
    block = _block(
        name,
        (
            f"{field}{'' if field in required else '?'}: {_type(each)}"
            for field, each in schema["properties"].items()
        ),
    )
    if "description" not in schema:
        return block
    lines = [f" * {line}".rstrip() for line in schema["description"].splitlines()]
    return "\n".join(["/**", *lines, " */", block])


def _block(name: str, fields: Iterable[str]) -> str:
    return "\n".join([f"export interface {name} {{", *(f"  {each};" for each in fields), "}"])


def _union(name: str, members: Iterable[str]) -> str:
    return f"export type {name} = {' | '.join(members)};"


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_DEFINITIONS)
    if "enum" in schema:
        return " | ".join(json.dumps(each) for each in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    match schema.get("type"):
        case "array":
            item = _type(schema["items"]) if "items" in schema else "unknown"
            return f"({item})[]" if " " in item else f"{item}[]"
        case "object":
            return f"Record<string, {_type(schema.get('additionalProperties', {}))}>"
        case "integer" | "number":
            return "number"
        case "string" | "boolean" | "null" as same:
            return str(same)
    return "unknown"
