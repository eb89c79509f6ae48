"""Tools of `make`; nothing of the server imports them."""
