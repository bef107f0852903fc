"""Published trace sets: what is said of real runs whose truth others wrote down.

A folder holds any of `trail_gaia`, `taubench_airline` and `whoandwhen_algorithm`; each is measured by the module that
knows its truth, which only the scoring reads. Beside the rates stand floors: what an answer without any understanding
reaches on the same set.
"""

from .measure import SETS, TraceSet, measure, sets_in

__all__ = ["SETS", "TraceSet", "measure", "sets_in"]
