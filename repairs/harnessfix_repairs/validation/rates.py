"""Rates, their intervals, and what a number of runs can show.

Wilson's interval for one rate; Newcombe's method 10 (Statistics in Medicine 17, 1998) for the difference of two rates
of paired runs; the exact McNemar test. Runs are paired by task and repetition. What is inferred holds for these tasks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt

Z = 1.959963984540054  # 95 %


@dataclass(frozen=True)
class PairedRates:
    """How often something occurred before and after, in pairs of runs.

    Args:
        pairs: number of pairs.
        before, after: in how many it occurred.
        difference: rate before minus rate after; positive when it became rarer.
        low, high: 95 % interval of the difference.
        p_value: of the exact McNemar test, two-sided.
    """

    pairs: int
    before: int
    after: int
    difference: float
    low: float
    high: float
    p_value: float

    @property
    def fell(self) -> bool:
        """Whether the rate fell by more than chance explains: by the interval, and by the test, which few runs need."""
        return self.pairs > 0 and self.low > 0 and self.p_value <= 0.05


def wilson(count: int, total: int, z: float = Z) -> tuple[float, float]:
    """95 % interval of a rate; (0, 1) without a run."""
    if total == 0:
        return 0.0, 1.0
    rate, square = count / total, z * z
    middle = (rate + square / (2 * total)) / (1 + square / total)
    half = z * sqrt(rate * (1 - rate) / total + square / (4 * total * total)) / (1 + square / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def compare(pairs: Sequence[tuple[bool, bool]]) -> PairedRates:
    """Rates of an event in pairs of runs (before, after)."""
    total = len(pairs)
    both = sum(first and second for first, second in pairs)
    gone = sum(first and not second for first, second in pairs)
    new = sum(second and not first for first, second in pairs)
    neither = total - both - gone - new
    if total == 0:
        return PairedRates(0, 0, 0, 0.0, -1.0, 1.0, 1.0)
    before, after = (both + gone) / total, (both + new) / total
    low_before, high_before = wilson(both + gone, total)
    low_after, high_after = wilson(both + new, total)
    phi = _correlation(both, gone, new, neither)
    down, up = before - low_before, high_after - after
    low = before - after - sqrt(max(0.0, down**2 - 2 * phi * down * up + up**2))
    up_before, down_after = high_before - before, after - low_after
    high = before - after + sqrt(max(0.0, up_before**2 - 2 * phi * up_before * down_after + down_after**2))
    return PairedRates(total, both + gone, both + new, before - after, low, high, mcnemar(gone, new))


def mcnemar(gone: int, new: int) -> float:
    """Two-sided p-value of the exact McNemar test for the pairs in which the event went or came."""
    total = gone + new
    tail = sum(comb(total, k) for k in range(min(gone, new) + 1))
    return min(1.0, 2 * tail / (1 << total))


def smallest_gain(pairs: int) -> float | None:
    """The smallest fall of a rate from 1 that this many pairs can show; None when they can show none."""
    for gone in range(1, pairs + 1):
        if compare([(True, False)] * gone + [(True, True)] * (pairs - gone)).fell:
            return gone / pairs
    return None


def _correlation(both: int, gone: int, new: int, neither: int) -> float:
    margins = (both + gone) * (new + neither) * (both + new) * (gone + neither)
    if margins == 0:
        return 0.0
    product = float(both * neither - gone * new)
    if product > 0:  # Newcombe's continuity correction
        product = max(0.0, product - (both + gone + new + neither) / 2)
    return product / float(sqrt(margins))
