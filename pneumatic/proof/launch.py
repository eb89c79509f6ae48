"""Become a server process: `launch.py ENVIRONMENT.json COMMAND …`.

Its environment comes from a file that only its owner may read, because arguments are for everyone
on the machine to see, and so that nothing of the calling shell's environment gets in.
"""

import json
import os
import sys
from pathlib import Path


def main() -> None:
    file, *command = sys.argv[1:]
    environment: dict[str, str] = json.loads(Path(file).read_text(encoding="utf-8"))
    os.chdir(environment["PYTHONPATH"])
    os.execve(command[0], command, environment)  # noqa: S606


if __name__ == "__main__":
    main()
