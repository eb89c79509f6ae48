"""People who sign in by password, for the measurement of just that.

`python -m bench.passwords NUMBER PASSWORD`, in our server's environment, makes so many who may come
in and as many who are suspended, and prints the names of both as JSON.
"""

import json
import sys

import django


def make(number: int, password: str) -> dict[str, list[str]]:
    """All of them have the same hash: what is measured is how long one takes to check."""
    from django.contrib.auth.hashers import make_password

    from accounts.models import User

    encoded = make_password(password)
    names = {kind: [f"{kind}{n}" for n in range(number)] for kind in ("active", "suspended")}
    User.objects.bulk_create(
        User(
            username=name,
            email=f"{name}@example.org",
            display_name=name,
            password=encoded,
            is_active=kind == "active",
        )
        for kind, some in names.items()
        for name in some
    )
    return names


def main() -> None:
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    json.dump(make(int(sys.argv[1]), sys.argv[2]), sys.stdout)


if __name__ == "__main__":
    main()
