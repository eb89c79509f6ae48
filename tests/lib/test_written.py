"""A query that is put into SQL once says the same as one that is made anew."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import BigIntegerField, Exists, QuerySet, UUIDField
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext

from chat.models import Membership, Message
from pneumatic.lib.database.written import Given, Written
from pneumatic.testing.factories import World, make_world, say

pytestmark = pytest.mark.django_db

# An id, a number, none or an id, text, JSON, moments, and none.
COLUMNS = ("id", "seq", "sender_id", "body", "mentioned", "created_at", "deleted_at")


def said_in(conversation: Any, user: Any, after: Any) -> QuerySet[Any, Any]:
    mine = Membership.objects.filter(conversation=conversation, user=user)
    rows = Message.objects.filter(Exists(mine), conversation=conversation, seq__gt=after)
    return rows.order_by("seq").values_list(*COLUMNS)


@pytest.fixture
def written() -> Written:
    conversation, user = Given("conversation", UUIDField()), Given("user", UUIDField())
    return Written(said_in(conversation, user, Given("after", BigIntegerField())))


@pytest.fixture
def talk() -> World:
    world = make_world()
    for number in range(4):
        say(world.bob, world.group, f"{number} % @alice")
    return world


def test_it_says_the_same_as_the_query_for_whatever_is_given(talk: World, written: Written) -> None:
    for user in (talk.alice, talk.bob, talk.charlie):
        for after in (0, 1, 3, 2**40):
            given = {"conversation": talk.group.id, "user": user.id, "after": after}
            assert written.rows(given) == list(said_in(**given))
    given = {"conversation": talk.group.id, "user": talk.alice.id, "after": 0}
    assert [row[4] for row in written.rows(given)][1:] == [[str(talk.alice.id)]] * 4


def test_so_many_rows_are_wanted_as_is_said_when_it_is_asked(talk: World, written: Written) -> None:
    given = {"conversation": talk.group.id, "user": talk.alice.id, "after": 0}
    everything = written.rows(given)
    assert written.rows(given, most=2) == everything[:2]
    assert written.rows(given, most=2, first=1) == everything[1:3]
    assert written.rows(given, most=0) == []


def test_it_is_one_query_each_time_and_never_made_again(
    talk: World, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    real: Callable[..., Any] = SQLCompiler.as_sql

    def as_sql(self: SQLCompiler, *args: Any, **kwargs: Any) -> Any:
        made.append(self)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(SQLCompiler, "as_sql", as_sql)
    given = {"conversation": talk.group.id, "user": talk.alice.id, "after": 0}
    with CaptureQueriesContext(connection) as captured:
        assert len(written.rows(given)) == len(written.rows(given, most=9)) == 5
    assert (len(captured), made) == (2, [])
    list(said_in(**given))
    assert made


def test_what_is_not_given_is_missed_and_not_guessed(talk: World, written: Written) -> None:
    with pytest.raises(KeyError):
        written.rows({"conversation": talk.group.id, "user": talk.alice.id})


@pytest.mark.needs_postgres
@pytest.mark.django_db(transaction=True)
def test_on_a_borrowed_connection_it_reads_the_same(talk: World, written: Written) -> None:
    given = {"conversation": talk.group.id, "user": talk.alice.id, "after": 0}
    expected = list(said_in(**given))
    connection.close()
    # The parameters are typed there: numbers of any size are compared alike.
    for after, rows in ((0, expected), (2**40, []), (4, expected[4:])):
        assert written.rows({**given, "after": after}) == rows
    assert written.rows(given, most=2, first=1) == expected[1:3]
    assert connection.connection is None
