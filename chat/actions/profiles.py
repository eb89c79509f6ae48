"""A person's own profile, as the others see it."""

from django.db import transaction

from accounts import actions as accounts
from accounts.models import User
from chat.actions.members import show_anew


@transaction.atomic
def change_profile(*, user: User, display_name: str) -> User:
    """Change the name that others see; every conversation of the person shows it anew."""
    before = user.get_full_name()
    user = accounts.update_profile(user=user, display_name=display_name)
    if user.get_full_name() != before:
        show_anew(user=user)
    return user
