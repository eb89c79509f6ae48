"""Does a server keep the protocol? `python -m pneumatic.conformance http://localhost:8000`

It needs nothing but the address of a server and two people there, and shares no code with the
server: what docs/protocol.md says is written here once more, as checks.
"""
