"""The load: a process of its own, whose work per delivery is a few microseconds.

It must be able to ask more of a server than one core can give, from one core; and where it can't,
it must say so. So it counts events in what arrives by searching for bytes, walks from frame header
to frame header for what a socket needs (pings, the close), and decodes nothing.
"""
