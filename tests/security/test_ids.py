"""Row R29: an id that the server makes can't be guessed."""

from uuid import UUID

import pytest
from django.apps import apps
from django.db import models

MADE_HERE = [
    model
    for app in ("accounts", "chat")
    for model in apps.get_app_config(app).get_models()
    if isinstance(model._meta.pk, models.UUIDField) and model._meta.pk.has_default()
]


@pytest.mark.parametrize("model", MADE_HERE, ids=lambda model: model._meta.label)
def test_ids_are_random_but_for_their_time(model: type[models.Model]) -> None:
    made: list[UUID] = [model._meta.pk.get_default() for _ in range(50)]
    assert {each.version for each in made} <= {4, 7}
    # The last 62 bits: of two that are alike there would be one in 10**15 runs.
    assert len({each.int & (1 << 62) - 1 for each in made}) == len(made)


def test_they_are_those_of_people_sessions_and_conversations() -> None:
    assert {"User", "Session", "Conversation"} <= {model.__name__ for model in MADE_HERE}
