"""Whatever the OpenAPI schema allows, and what it forbids, is answered as the schema says."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
import schemathesis
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from pneumatic.testing.factories import World, make_session, say
from tests.security.fuzz import budget


def _schema() -> Any:
    made: Any = SchemaGenerator  # untyped
    return schemathesis.openapi.from_dict(
        json.loads(json.dumps(made().get_schema(request=None, public=True), default=str))
    )


OPERATIONS = [result.ok() for result in _schema().get_all_operations()]


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ids(world: World) -> dict[str, str]:
    """What is there, for path parameters and bodies that would otherwise never hit anything."""
    return {
        "conversation_id": str(world.group.id),
        "user_id": str(world.bob.id),
        "message_id": str(say(world.alice, world.group).id),
        "session_id": str(make_session(world.bob).id),
    }


@pytest.fixture
def client(world: World) -> Client:
    """A client that tells exceptions as the server would, as a 500, and is signed in as alice."""
    from pneumatic.testing.factories import make_token

    return Client(
        raise_request_exception=False,
        headers={"authorization": f"Bearer {make_token(world.alice)}"},
    )


def _ask(client: Client, case: Case[Any]) -> httpx.Response:
    """The case, sent to Django in this process."""
    wire = case.as_transport_kwargs(base_url="http://testserver")
    request = httpx.Request(
        wire["method"],
        wire["url"],
        params=wire.get("params"),
        json=wire.get("json", None),
        content=wire.get("data") if "json" not in wire else None,
    )
    headers = {
        name: value
        for name, value in (wire.get("headers") or {}).items()
        if name.lower() not in ("authorization", "host", "user-agent", "accept-encoding")
    }
    answer: Any = client.generic(
        request.method,
        request.url.raw_path.decode(),
        request.read(),
        content_type=headers.pop("Content-Type", "application/json"),
        headers=headers,
    )
    told = httpx.Response(
        answer.status_code,
        headers=list(answer.headers.items()),
        content=b"".join(answer) if answer.streaming else answer.content,
        request=request,
    )
    told.elapsed = timedelta()
    return told


def test_every_operation_of_the_schema_is_tried() -> None:
    assert len(OPERATIONS) >= 25


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_an_operation_answers_as_the_schema_says_whatever_it_is_sent(
    operation: Any, client: Client, ids: dict[str, str]
) -> None:
    """No 5xx, no answer that the schema doesn't know, and nothing that isn't a problem object."""
    modes = [GenerationMode.POSITIVE]
    if operation.body or operation.query or operation.path_parameters:
        modes.append(GenerationMode.NEGATIVE)
    strategies = [operation.as_strategy(generation_mode=mode) for mode in modes]

    @budget(16)
    @given(case=st.one_of(strategies), real=st.booleans())
    def answers(case: Case[Any], real: bool) -> None:
        if real and case.path_parameters:
            case.path_parameters.update(
                {name: ids[name] for name in case.path_parameters if name in ids}
            )
        cache.clear()
        here = transaction.savepoint()
        try:
            answer = _ask(client, case)
        finally:
            transaction.savepoint_rollback(here)
        assert answer.status_code < 500, (case.as_curl_command(), answer.text[:500])
        if answer.status_code >= 400 and answer.status_code != 405:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] in {
                "invalid", "unauthenticated", "forbidden", "not_found", "conflict", "too_large",
            }  # fmt: skip
        if str(answer.status_code) in operation.definition.raw["responses"]:
            operation.validate_response(answer, case=case)

    answers()
