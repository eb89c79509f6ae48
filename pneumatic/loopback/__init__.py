"""Programs that are found on this machine, run on loopback, and never outlive who started them.

For the proof of delivery and for tests; the server itself starts none of them.
"""
