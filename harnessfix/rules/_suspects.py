"""The functions that a failed run went through, and how likely the cause is in each."""

from collections.abc import Iterator
from heapq import nlargest
from math import exp
from typing import NamedTuple

from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Outcome

from ._errors import escaped_to, is_raised, raised
from ._matter import Matter
from ._once import once
from ._visited import Visited, visited

# Methods that write an object down, with those that make it anew.
READERS = {
    "to_dict": ("from_dict",),
    "to_json": ("from_json",),
    "to_config": ("from_config",),
    "dump": ("load", "parse"),
    "save": ("load", "restore"),
    "save_state": ("load_state",),
    "dump_state": ("load_state",),
    "serialize": ("deserialize",),
    "encode": ("decode",),
    "__getstate__": ("__setstate__",),
}
LITTLE = 0.25  # of the share that each would have if all were as likely


class Suspect(NamedTuple):
    """A function that a failed run went through.

    Args:
        function: it.
        share: how likely the cause is in it, 0 to 1; those of a run come to 1.
    """

    function: Visited
    share: float


class Suspects:
    """What a failed run went through, the likeliest first; nothing of a run that did not fail.

    Args:
        run: any.
        model: its harness.
    """

    def __init__(self, run: Htir, model: HarnessModel) -> None:
        asked = _is_failed(run.run) and bool(run.reached) and not _refused(run, model)
        functions = list(visited(run, model)) if asked else []
        self.matter = Matter(run if asked else Htir(run=run.run), model, functions)  # nothing to weigh, nothing to read
        broken = (function for function in functions if self.matter.slipped(function) or self.matter.ended(function))
        self._broken = {function.symbol for function in broken}
        shares = [exp(self.matter.weight(function)) for function in functions]
        both = sum(nlargest(2, shares))
        shares = [max(share, self._least(function, both)) for function, share in zip(functions, shares, strict=True)]
        whole = sum(shares)
        found = (Suspect(*pair) for pair in zip(functions, (share / whole for share in shares), strict=True))
        self._ranked = sorted(found, key=lambda suspect: (-suspect.share, *suspect.function.order))
        self._shares = {suspect.function.symbol: suspect.share for suspect in self}

    def __iter__(self) -> Iterator[Suspect]:
        return iter(self._ranked)

    def __len__(self) -> int:
        return len(self._ranked)

    def clears(self, path: str, qualname: str) -> bool:
        """Whether a function has little to do with the failure: far less than most that the run went through have."""
        share = self._shares.get((path, qualname))
        while share is None and "." in qualname:
            qualname = qualname.rpartition(".")[0]
            share = self._shares.get((path, qualname))
        return bool(self._ranked) and (share or 0.0) < LITTLE / len(self._ranked)

    def is_read_by_broken(self, function: Visited) -> bool:
        """Whether a function of its class that reads what it writes broke: on what it left out, or wrote wrongly."""
        path, qualname = function.symbol
        owner, _, own = qualname.rpartition(".")
        return any((path, f"{owner}.{name}") in self._broken for name in READERS.get(own, ()))

    def _least(self, function: Visited, both: float) -> float:
        """How likely it is in any case, where an exception arose in it that ended a step.

        The fix was in every second such function, and in seven of eight of which Python itself complained. These are
        as likely as the two likeliest together, those as the mean of the two: one such is second at the latest. So is
        what wrote down for a function that broke on reading it.
        """
        if self.matter.slipped(function) or self.matter.made_unwritable(function):
            return both
        second = self.matter.ended(function) or self.matter.hushed(function) or self.is_read_by_broken(function)
        return both / 2 if second else 0.0


@once
def suspects(run: Htir, model: HarnessModel) -> Suspects:
    """What a failed run went through."""
    return Suspects(run, model)


def _is_failed(run: RunInfo) -> bool:
    """Whether the run failed, or the program that it is one of several runs of."""
    return run.outcome is Outcome.FAILED or (run.outcome is Outcome.UNKNOWN and bool(run.exit_code))


def _refused(run: Htir, model: HarnessModel) -> bool:
    """Whether the harness only said no, by a `raise` of its own, and the program took it and ended well."""
    if run.run.exit_code != 0:
        return False
    ended = [step for step in raised(run) if escaped_to(run, step) is not None]
    return bool(ended) and all(_deliberate(step, model) for step in ended)


def _deliberate(step: TraceStep, model: HarnessModel) -> bool:
    because = step.error.cause if step.error is not None else None
    return because is None and is_raised(model, step)
