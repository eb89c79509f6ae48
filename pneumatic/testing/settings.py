"""The settings of a test run: `pneumatic.settings`, told that it is one.

A module of its own, because pytest-django reads the settings before any conftest. So a bare
`pytest` needs no environment. With `PNEUMATIC_TEST_SERVICES=real` it starts PostgreSQL and Redis
first; the workers of pytest-xdist inherit the addresses.
"""

import atexit
import os
import shutil
import tempfile
import warnings

os.environ["PNEUMATIC_ENV"] = "test"
if "PNEUMATIC_DATA_DIR" not in os.environ:
    # Tests leave the data of `make run` alone, and two runs at once leave each other alone. The
    # workers of pytest-xdist inherit the folder of the process that started them.
    os.environ["PNEUMATIC_DATA_DIR"] = tempfile.mkdtemp(prefix="pneumatic-test-")
    atexit.register(shutil.rmtree, os.environ["PNEUMATIC_DATA_DIR"], ignore_errors=True)
# Workers may share one Redis: each keeps to its own names.
os.environ["REDIS_PREFIX"] = f"pneumatic-test-{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}"

if os.environ.get("PNEUMATIC_TEST_SERVICES") == "real":
    from pneumatic.testing.services import ensure

    for _name, _reason in ensure().missing.items():
        warnings.warn(f"{_name} cannot be had; its stand-in is tested: {_reason}", stacklevel=1)

from pneumatic.settings import *  # noqa: F403
from pneumatic.settings import DATA_DIR, DATABASES

if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file, not memory: the consumers' threads have connections of their own. In a folder for
    # each worker: what lies beside a database is part of some tests.
    _folder = DATA_DIR / os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    _folder.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}
    # Nobody needs a test's data after a power cut.
    _options = DATABASES["default"]["OPTIONS"]
    _options["init_command"] = _options["init_command"].replace(
        "synchronous=FULL", "synchronous=OFF"
    )
