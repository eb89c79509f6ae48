"""How fast it is, beside its peers and on the same machine: see bench/README.md."""
