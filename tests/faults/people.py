"""Make people in a server's database: `python -m tests.faults.people COUNT DEVICES`.

Without passwords, which would cost a tenth of a second each. Prints who there is, as JSON.
"""

import json
import sys
from datetime import timedelta

import django


def main() -> None:
    django.setup()
    from accounts.tokens import AccessToken
    from pneumatic.testing.factories import make_group, make_token, make_user

    # For as long as the tests may take, which make each token once.
    AccessToken.lifetime = timedelta(hours=1)
    count, devices = map(int, sys.argv[1:])
    users = [make_user(f"person-{number}") for number in range(count)]
    group = make_group(users[0], *users[1:])
    sys.stdout.write(
        json.dumps(
            {
                "group": str(group.id),
                "people": [
                    {"id": str(user.id), "tokens": [make_token(user) for _ in range(devices)]}
                    for user in users
                ],
            }
        )
    )


if __name__ == "__main__":
    main()
