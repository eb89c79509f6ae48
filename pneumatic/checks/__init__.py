"""Mistakes of deployment, found at start: each with an id, and how to mend it.

Errors stop ``manage.py check`` (and so migrate and the server); warnings are only told. Those of
`DEPLOYING` run with ``check --deploy`` alone: on a laptop, what they find may be right.
"""

from collections.abc import Callable, Sequence
from typing import Final

from django.core.checks import CheckMessage, Tags, register
from django.core.exceptions import ImproperlyConfigured

from pneumatic.checks import deploying, durability, network, registration, secrets

Check = Callable[..., Sequence[CheckMessage]]

ALL: Final[tuple[Check, ...]] = (
    secrets.debug_is_off_in_production,
    secrets.secret_key_is_strong,
    secrets.jwt_key_is_its_own_and_long,
    network.processes_share_one_world,
    network.hosts_are_named,
    network.origins_are_full,
    network.https_is_on_in_production,
    secrets.metrics_are_guarded,
    network.proxies_are_counted,
    network.redis_is_not_open_to_all,
    registration.registration_by_domain_is_verified,
    registration.verification_has_mail,
    registration.links_have_a_base,
    network.database_is_not_in_the_clear,
)
DEPLOYING: Final[tuple[Check, ...]] = (
    deploying.environment_is_production,
    deploying.transport_is_secure,
    deploying.processes_have_a_server_of_data,
    deploying.staff_has_a_second_factor,
    deploying.limits_are_on,
    deploying.passwords_are_costly_to_guess,
)
#: They ask the database: ``migrate`` and ``check --database default`` run them.
ASKING: Final[tuple[Check, ...]] = (durability.what_is_committed_survives_a_crash,)


def register_all() -> None:
    """Hand the checks to Django; they run with every ``manage.py`` command that checks."""
    for check in ALL:
        register(check, Tags.security)
    for check in DEPLOYING:
        register(check, Tags.security, deploy=True)
    for check in ASKING:
        register(check, Tags.database)


def stop_on_errors() -> None:
    """Raise ImproperlyConfigured with every error above: for servers, which run no checks."""
    found = [message for check in ALL for message in check() if message.is_serious()]
    if found:
        raise ImproperlyConfigured("\n".join(str(message) for message in found))
