"""What a password may be."""

from typing import Final

#: Characters. Longer ones are refused before anything is hashed.
PASSWORD_MAX: Final = 256
