"""OpenAPI, made from the wire's own types and from the one tree of errors."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.plumbing import ResolvedComponent
from msgspec import Struct

from pneumatic.lib import errors
from pneumatic.lib.errors import ProblemError
from pneumatic.lib.http.problems import PROBLEM_TYPE

_TEMPLATE: Final = "#/components/schemas/{name}"


class Problem(Struct):
    """RFC 9457. `code` is for programs, `detail` for people, `errors` names the fields at fault."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: dict[str, list[str]] | msgspec.UnsetType = msgspec.UNSET
    #: Seconds.
    retry_after: int | msgspec.UnsetType = msgspec.UNSET
    request_id: str | msgspec.UnsetType = msgspec.UNSET


#: For `responses=` of what is created under an id that the client gives.
CONFLICT: Final[dict[Any, Any]] = {(409, PROBLEM_TYPE): Problem}


class StructExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Lets `responses={200: protocol.MessageRow}` be said; found by the class's existence."""

    target_class = "msgspec.Struct"
    match_subclasses = True

    def get_name(self, auto_schema: Any, direction: Any) -> str:
        name: str = self.target.__name__
        return name

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """The struct's schema; the structs inside become components of their own."""
        known = {each.__name__: each for each in _structs(Struct)}
        schemas = _schemas(self.target)
        own: dict[str, Any] = schemas.pop(self.target.__name__)
        for name, schema in schemas.items():
            auto_schema.registry.register_on_missing(
                ResolvedComponent(name, ResolvedComponent.SCHEMA, schema, known[name])  # type: ignore[no-untyped-call]
            )
        return own


def _structs(kind: type[Struct]) -> Iterator[type[Struct]]:
    for each in kind.__subclasses__():
        yield each
        yield from _structs(each)


def _schemas(kind: type[Struct]) -> dict[str, dict[str, Any]]:
    _, schemas = msgspec.json.schema_components([kind], ref_template=_TEMPLATE)
    for schema in schemas.values():
        schema.pop("title", None)
        for each in schema.get("properties", {}).values():
            if "enum" in each:
                # drf-spectacular makes components of choices, and asks for their type.
                each["type"] = "string"
                if len(each["enum"]) == 1:
                    (each["const"],) = each.pop("enum")
    return schemas


# --- What can go wrong, at every door -----------------------------------------------------------


def tell_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A postprocessing hook: adds to every operation the problems that it can answer with."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {}).update(_schemas(Problem))
    components["responses"] = {each.__name__: _response(each) for each in errors.ALL}
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for error in _possible(path, method, operation):
                operation["responses"].setdefault(
                    str(error.status), {"$ref": f"#/components/responses/{error.__name__}"}
                )
    return result


def _response(error: type[ProblemError]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": f"`{error.code}`: {error.title}",
        "content": {PROBLEM_TYPE: {"schema": {"$ref": _TEMPLATE.format(name="Problem")}}},
    }
    if error.retryable:
        response["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
        }
    return response


def _possible(path: str, method: str, operation: dict[str, Any]) -> Iterator[type[ProblemError]]:
    asks = any(each["in"] == "query" for each in operation.get("parameters", ()))
    if "requestBody" in operation or asks:
        yield errors.Invalid
    yield errors.Unauthenticated
    if method != "get":
        yield errors.Forbidden
    if "{" in path:
        yield errors.NotFound
    if "requestBody" in operation:
        yield errors.TooLarge
    yield errors.RateLimited
    yield errors.Unavailable
