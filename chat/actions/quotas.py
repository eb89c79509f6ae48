"""How much one person may begin in a day: far above what people do, far below what programs could.

Asked for before a transaction begins, never in one: Redis may take its time while rows are locked.
"""

from django.conf import settings

from accounts.models import User
from pneumatic.lib.errors import RateLimited
from pneumatic.lib.metrics import rate_limited
from pneumatic.lib.shared.ratelimit import daily_budget


def spend_conversation(user: User) -> None:
    """Count one conversation that ``user`` begins; raises ``RateLimited`` where it is too many."""
    _spend(user, "conversations", settings.CONVERSATIONS_PER_DAY, 1)


def spend_members(user: User, count: int) -> None:
    """Count people whom ``user`` brings in; raises ``RateLimited`` where they are too many."""
    if count:
        _spend(user, "members", settings.MEMBERS_PER_DAY, count)


def _spend(user: User, what: str, per_day: int, count: int) -> None:
    wait = daily_budget(per_day).spend(f"{what}:{user.pk}", count)
    if wait:
        rate_limited("day")
        raise RateLimited(f"That is too many {what} for one day.", retry_after=wait)
