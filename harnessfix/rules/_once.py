"""What many rules ask of a run is worked out once."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import ref

from harnessfix_ir.htir import Htir

T = TypeVar("T")


def once(read: Callable[[Htir], T]) -> Callable[[Htir], T]:
    """Keep what `read` made of the last run: the rules are asked of one run after another.

    Args:
        read: a function of the run alone; what it returns is shared and must not be changed.
    """
    kept: tuple[ref[Htir], T] | None = None

    @wraps(read)
    def answer(run: Htir) -> T:
        nonlocal kept
        held = kept  # another thread may ask of another run
        if held is None or held[0]() is not run:
            held = kept = ref(run), read(run)
        return held[1]

    return answer
