"""What each action costs in queries: the same however large the group and however long its past."""

import importlib
import inspect
import pkgutil
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import pytest
from django.db import connection

import chat.actions
from accounts.models import User
from chat.actions import conversations as groups
from chat.actions import members, messages, receipts, sending
from chat.actions.history import begin_new_history
from chat.actions.moderation import remove_message
from chat.actions.profiles import change_profile
from chat.actions.receipts import Mark
from chat.actions.sending import Draft
from chat.actions.typing import set_typing
from chat.actions.unheard import say_heard, say_unheard
from chat.models import Conversation, Message
from pneumatic.testing.factories import make_group, make_user, say
from tests.faults.counting import count_queries

ON_POSTGRES: Final = connection.vendor == "postgresql"


class Stage(NamedTuple):
    """A group with a past; charlie is out."""

    owner: User
    member: User
    charlie: User
    group: Conversation
    message: Message

    @property
    def here(self) -> dict[str, Any]:
        return {"conversation_id": self.group.id}

    @property
    def this(self) -> dict[str, Any]:
        return {**self.here, "message_id": self.message.id}

    def drafts(self) -> list[Draft]:
        return [
            Draft(self.owner, self.group.id, uuid.uuid4(), f"{number} @member", self.message.id)
            for number in range(30)
        ]


#: Called by another action, or called for one, which is in the table.
PARTS: Final = {"begin_send", "show_anew"}
#: What it costs, and what on PostgreSQL, where one statement may do the whole of it.
BUDGETS: Final[dict[str, tuple[int, int, Callable[[Stage], object]]]] = {
    "send_message": (
        8,
        1,
        lambda on: sending.send_message(
            sender=on.owner, id=uuid.uuid4(), body="@member", **on.here
        ),
    ),
    "send_messages": (9, 1, lambda on: sending.send_messages(drafts=on.drafts())),
    "edit_message": (
        10,
        10,
        lambda on: messages.edit_message(editor=on.owner, body="now @member", **on.this),
    ),
    "delete_message": (7, 7, lambda on: messages.delete_message(deleter=on.owner, **on.this)),
    "remove_message": (
        6,
        6,
        lambda on: remove_message(moderator=on.charlie, message_id=on.message.id),
    ),
    "mark_read": (5, 1, lambda on: receipts.mark_read(user=on.member, seq=3, **on.here)),
    "mark_delivered": (
        2,
        1,
        lambda on: receipts.mark_delivered(user=on.member, seq=3, **on.here),
    ),
    "mark_all": (
        5,
        1,
        lambda on: receipts.mark_all(
            marks=[Mark(user, on.group.id, 3, 3) for user in (on.owner, on.member)]
        ),
    ),
    "set_typing": (1, 1, lambda on: set_typing(user=on.member, on=True, **on.here)),
    "open_direct": (6, 6, lambda on: groups.open_direct(user=on.owner, other_id=on.charlie.id)),
    "create_group": (
        10,
        10,
        lambda on: groups.create_group(
            creator=on.owner, id=uuid.uuid4(), title="New", member_ids=[on.charlie.id]
        ),
    ),
    "change_group": (
        9,
        9,
        lambda on: groups.change_group(changer=on.owner, title="Other", topic="t", **on.here),
    ),
    "close_group": (5, 5, lambda on: groups.close_group(closer=on.owner, **on.here)),
    "add_member": (
        11,
        11,
        lambda on: members.add_member(adder=on.owner, user_id=on.charlie.id, **on.here),
    ),
    "remove_member": (
        8,
        8,
        lambda on: members.remove_member(remover=on.owner, user_id=on.member.id, **on.here),
    ),
    "change_role": (
        11,
        11,
        lambda on: members.change_role(
            changer=on.owner, user_id=on.member.id, role="owner", **on.here
        ),
    ),
    "change_profile": (6, 6, lambda on: change_profile(user=on.owner, display_name="Other")),
    "begin_new_history": (2, 2, lambda on: begin_new_history()),
    "say_unheard": (3, 3, lambda on: say_unheard(process=uuid.UUID(int=1))),
    "say_heard": (1, 1, lambda on: say_heard(process=uuid.UUID(int=1))),
}


def _actions() -> Iterator[str]:
    """Actions are what takes keywords only; what doesn't is a part of one."""
    for found in pkgutil.iter_modules(chat.actions.__path__):
        module = importlib.import_module(f"chat.actions.{found.name}")
        for name, value in inspect.getmembers(module, inspect.isfunction):
            kinds = {each.kind for each in inspect.signature(value).parameters.values()}
            own = value.__module__ == module.__name__ and not name.startswith("_")
            worded = kinds == {inspect.Parameter.KEYWORD_ONLY} or name in BUDGETS
            # Coroutines ask no database.
            if own and worded and not inspect.iscoroutinefunction(value):
                yield name


def test_each_action_has_a_budget() -> None:
    assert {*_actions()} - PARTS == {*BUDGETS}


def _stage(*, others: int, past: int) -> Stage:
    for user in User.objects.all():
        user.delete()  # The other stage's.
    owner, member, charlie = (make_user(name) for name in ("owner", "member", "charlie"))
    group = make_group(owner, member, *(make_user(f"other-{n}") for n in range(others)))
    for number in range(past):
        say(member, group, f"{number} @owner")
    for _ in range(others):
        make_group(member, owner)
    return Stage(owner, member, charlie, group, say(owner, group, "hello @member"))


@pytest.mark.parametrize("name", BUDGETS)
@pytest.mark.django_db
def test_an_action_costs_what_it_may_and_no_more_in_a_large_group(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, on_postgres, act = BUDGETS[name]
    costs = []
    for others, past in ((0, 2), (12, 30)):
        stage = _stage(others=others, past=past)
        with monkeypatch.context() as patched:
            counted = count_queries(patched)
            act(stage)
            costs.append(counted())
    assert costs == [on_postgres if ON_POSTGRES else elsewhere] * 2
