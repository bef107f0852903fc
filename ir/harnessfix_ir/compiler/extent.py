"""How far two texts agree from a place, found by doubling and halving: slice comparisons run at memory speed."""

from typing import TypeVar

T = TypeVar("T", str, bytes)
FIRST_STEP = 32


def agree_forward(a: T, i: int, b: T, j: int) -> int:
    """Number of elements that `a` from `i` and `b` from `j` have in common before they first differ."""
    limit = min(len(a) - i, len(b) - j)
    low, step = 0, FIRST_STEP
    while low + step <= limit and a[i + low : i + low + step] == b[j + low : j + low + step]:
        low += step
        step *= 2
    high = min(limit, low + step)
    while low < high:
        middle = (low + high + 1) // 2
        if a[i + low : i + middle] == b[j + low : j + middle]:
            low = middle
        else:
            high = middle - 1
    return low


def agree_backward(a: T, i: int, b: T, j: int, limit: int) -> int:
    """The same, backwards from `i` and `j` (exclusive), at most `limit` elements, which must not pass either begin."""
    low, step = 0, FIRST_STEP
    while low + step <= limit and a[i - low - step : i - low] == b[j - low - step : j - low]:
        low += step
        step *= 2
    high = min(limit, low + step)
    while low < high:
        middle = (low + high + 1) // 2
        if a[i - middle : i - low] == b[j - middle : j - low]:
            low = middle
        else:
            high = middle - 1
    return low
