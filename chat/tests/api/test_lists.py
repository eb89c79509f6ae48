"""No list costs more than six queries, whatever it holds, who asks included; and no list is new."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.tokens import issue
from chat.actions.members import add_member
from chat.tests.api.conftest import Client
from pneumatic.testing.factories import World, make_group, make_session, make_user, say

pytestmark = pytest.mark.django_db

MOST = 6
#: Every address whose answer to GET is a list, with what a first page of it is asked by.
LISTS = {
    "api-conversations": "conversations/?limit=100",
    "api-members": "conversations/{group}/members/?limit=100",
    "api-messages": "conversations/{group}/messages/?limit=100",
    "api-users": "users/?q=person",
    "auth-sessions": "auth/sessions/?limit=100",
}
#: The others: one thing, or only ever written to.
NO_LISTS = {
    "api-conversation", "api-conversation-read", "api-conversations-direct", "api-member",
    "api-message", "api-root", "api-sync", "api-user", "api-users-me", "auth-email-verify",
    "auth-logout", "auth-logout-all", "auth-password-change", "auth-password-reset",
    "auth-password-reset-confirm", "auth-refresh", "auth-register", "auth-second-factor",
    "auth-second-factor-confirm", "auth-second-factor-disable",
    "auth-second-factor-recovery-codes", "auth-second-factor-setup",
    "auth-second-factor-setup-confirm", "auth-session", "auth-token", "docs", "login", "logout",
    "schema",
}  # fmt: skip


def _names(patterns: Any, path: str = "") -> Iterator[str]:
    for each in patterns:
        here = path + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _names(each.url_patterns, here)
        elif isinstance(each, URLPattern) and here.startswith("api/v1/"):
            yield each.name or here


def test_every_address_is_known_to_be_a_list_or_none() -> None:
    names = list(_names(get_resolver().url_patterns))
    assert set(names) == LISTS.keys() | NO_LISTS
    assert not LISTS.keys() & NO_LISTS


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_few_queries_however_much_it_holds(world: World, name: str) -> None:
    session = make_session(world.alice)
    client = Client(headers={"authorization": f"Bearer {issue(session).access}"})
    path, costs, lengths = LISTS[name].format(group=world.group.id), [], []
    for round_ in range(2):
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(path)
        assert answer.status_code == 200
        costs.append(len(captured))
        lengths.append(len(answer.json()["results"]))
        if round_ == 0:
            _more_of_everything(world)
    assert lengths[1] > lengths[0]
    assert costs[0] == costs[1] <= MOST


def _more_of_everything(world: World) -> None:
    for number in range(8):
        other = make_user(f"person{number}")
        make_group(world.alice, other)
        say(world.alice, world.group)
        make_session(world.alice)
        add_member(adder=world.alice, conversation_id=world.group.id, user_id=other.id)
