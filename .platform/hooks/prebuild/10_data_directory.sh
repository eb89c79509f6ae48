#!/bin/sh
# The data directory outlives versions, and only the server's account may look into it.
set -eu
install --directory --owner webapp --group webapp --mode 0750 /var/lib/pneumatic
