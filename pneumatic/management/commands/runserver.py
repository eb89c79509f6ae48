"""`manage.py runserver`: Daphne, which serves sockets as well, and starts anew with each change.

Daphne's own app would do the same; but Django imports an installed app at every start, and with
this one Twisted, for servers that never run it.
"""

from daphne.management.commands.runserver import Command

__all__ = ["Command"]
