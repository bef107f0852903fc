"""What many rules ask of a run is worked out once."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from weakref import ref

P = ParamSpec("P")
T = TypeVar("T")


def once(read: Callable[P, T]) -> Callable[P, T]:
    """Keep what `read` made of the last run: the rules are asked of one run after another.

    Args:
        read: a function of the run alone, or of the run and its harness, both given by place; what it returns is shared
            and must not be changed. What is asked by name is not kept.
    """
    kept: tuple[tuple[ref[object], ...], T] | None = None

    @wraps(read)
    def answer(*args: P.args, **named: P.kwargs) -> T:
        nonlocal kept
        if named:
            return read(*args, **named)
        held = kept  # another thread may ask of another run
        if held is None or any(asked() is not given for asked, given in zip(held[0], args, strict=True)):
            held = kept = tuple(map(ref, args)), read(*args, **named)
        return held[1]

    return answer
