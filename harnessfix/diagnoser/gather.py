"""Diagnoses of many runs, added up: what is kept of a flaw is its best case and the runs it occurs in.

Adding is the same in any order and changes nothing when it is repeated, so parts of a job may be added up wherever and
whenever they are done.
"""

from collections.abc import Iterable, Mapping

from harnessfix_ir.document import Document
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.vocabulary import Outcome


class Case(Document):
    """One flaw in some runs.

    Args:
        best: the diagnosis to show.
        runs: run id to outcome; empty when only the source shows the flaw.
        failed: whether the run of `best` failed.
    """

    best: Diagnosis
    runs: dict[str, Outcome] = {}
    failed: bool = False


class Gathering:
    """Flaws by id, as far as they have been gathered."""

    def __init__(self) -> None:
        self._best: dict[str, Case] = {}
        self._runs: dict[str, dict[str, Outcome]] = {}

    def add(self, diagnosis: Diagnosis, outcomes: Mapping[str, Outcome]) -> None:
        """Add one diagnosis; a run that is not in `outcomes` counts as unknown."""
        outcome = outcomes.get(diagnosis.run or "", Outcome.UNKNOWN)
        runs = {diagnosis.run: outcome} if diagnosis.run is not None and diagnosis.shown else {}
        self.take(Case(best=diagnosis, runs=runs, failed=outcome is Outcome.FAILED))

    def take(self, case: Case) -> None:
        """Add what was gathered elsewhere."""
        flaw = case.best.flaw
        runs = self._runs.setdefault(flaw, {})
        runs.update(case.runs)
        held = self._best.get(flaw)
        if held is None or _order(case) < _order(held):
            self._best[flaw] = case

    def cases(self) -> Iterable[Case]:
        """What was gathered, in order of flaw id, the runs in order of theirs."""
        for flaw in sorted(self._best):
            yield self._best[flaw].model_copy(update={"runs": dict(sorted(self._runs[flaw].items()))})


def _order(case: Case) -> tuple[object, ...]:
    """Best first: seen in a run, else met in one, a failed one, on the way to its failure, with most confidence; then
    any order that lasts."""
    diagnosis = case.best
    return (
        not diagnosis.shown,
        diagnosis.run is None,
        not case.failed,
        diagnosis.leads is False,
        -diagnosis.confidence,
        diagnosis.run or "",
    )
