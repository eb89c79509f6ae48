"""The name of the history that all conversations are part of."""

from uuid import UUID, uuid4

from chat.models import History


def begin_new_history() -> UUID:
    """Give the history another name, as after a restored backup; the new one.

    Every device finds at its next `hello` or `sync` that what it knows is of another history, and
    takes everything anew instead of mixing the two.
    """
    epoch = uuid4()
    History.objects.update_or_create(id=1, defaults={"epoch": epoch})
    return epoch
