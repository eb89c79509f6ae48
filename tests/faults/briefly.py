"""A server where presence lasts 3 s and not 45: `python -m tests.faults.briefly`."""

import django


def main() -> None:
    django.setup()
    from chat import limits

    limits.PRESENCE_SECONDS = 3  # type: ignore[misc]
    from django.core.management import call_command

    call_command("serve")


if __name__ == "__main__":
    main()
