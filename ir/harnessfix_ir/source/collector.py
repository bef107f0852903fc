"""The garbage collector, kept out of the way of bulk work."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collections() -> Iterator[None]:
    """Switch cyclic collection off for a while.

    Each full collection walks every live object; while a model of a hundred thousand small objects is made, that costs
    several times the work itself. Only for code that leaves no cycles behind.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
