"""Faults that stand until their owner has mended them. An entry that is not needed fails too, so that the list only shrinks."""

# A crate, and what it must not build on.
ARROWS = ()

# Files of one circle: it may hold these or fewer.
CIRCLES = ()

# Files that are too long.
LONG = ()

# Files that ask for the feature of a backend.
BACKEND_CFGS = ()
