"""What we are compared with: each built the way its own tutorials build it, in a few dozen lines.

All take `message.send` as ours does on a socket at `/ws/<conversation>/`, and tell everybody there
with a `message` event. Those that store do it before they tell. None has accounts, an order, a
sync, limits or metrics.
"""
