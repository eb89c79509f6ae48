#!/bin/sh
# A version that can't reach its database or Redis fails its deployment here, on its first instance.
set -eu
curl --fail --silent --show-error --max-time 5 --retry 12 --retry-delay 5 --retry-all-errors \
  http://127.0.0.1:8000/readyz
