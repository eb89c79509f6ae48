#!/bin/sh
# Installs a lock file, hashes checked, into a virtual environment that it makes when there is none.
#   scripts/install.sh PYTHON VENV LOCK
# With uv, which takes seconds; with pip, which takes minutes, where uv can't be had.
set -eu
python=$1 venv=$2 lock=$3

if [ ! -x "$venv/bin/python" ]; then
  if [ -z "$python" ]; then
    echo 'Python 3.11 or newer is needed, and was not found. Name it with: make PYTHON=/path/to/python3' >&2
    exit 1
  fi
  echo "Creating $venv with $("$python" --version) …"
  if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
    rm -rf "$venv"
    if command -v uv >/dev/null 2>&1; then
      uv venv --quiet --seed --python "$python" "$venv"
    else
      echo "$python can't make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2
      exit 1
    fi
  fi
fi

pip() {
  "$venv/bin/python" -m pip --disable-pip-version-check --no-input "$@"
}

if [ ! -x "$venv/bin/uv" ]; then
  pip install --quiet --require-hashes --only-binary :all: -r requirements-uv.txt 2>/dev/null || true
fi

echo "Installing $lock …"
if [ -x "$venv/bin/uv" ] &&
  "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock"; then
  exit 0
fi
echo 'uv could not do it; pip will, in a few minutes.'
pip install --quiet --require-hashes -r "$lock"
