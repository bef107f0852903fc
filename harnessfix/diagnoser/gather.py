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
    """

    best: Diagnosis
    runs: dict[str, Outcome] = {}


class Gathering:
    """Flaws by id, as far as they have been gathered."""

    def __init__(self) -> None:
        self._best: dict[str, Diagnosis] = {}
        self._runs: dict[str, dict[str, Outcome]] = {}

    def add(self, diagnosis: Diagnosis, outcomes: Mapping[str, Outcome]) -> None:
        """Add one diagnosis; a run that is not in `outcomes` counts as unknown."""
        runs = {} if diagnosis.run is None else {diagnosis.run: outcomes.get(diagnosis.run, Outcome.UNKNOWN)}
        self.take(Case(best=diagnosis, runs=runs))

    def take(self, case: Case) -> None:
        """Add what was gathered elsewhere."""
        flaw = case.best.flaw
        runs = self._runs.setdefault(flaw, {})
        runs.update(case.runs)
        held = self._best.get(flaw)
        if held is None or _order(case.best, runs) < _order(held, runs):
            self._best[flaw] = case.best

    def cases(self) -> Iterable[Case]:
        """What was gathered, in order of flaw id, the runs in order of theirs."""
        for flaw in sorted(self._best):
            yield Case(best=self._best[flaw], runs=dict(sorted(self._runs[flaw].items())))


def _order(diagnosis: Diagnosis, runs: Mapping[str, Outcome]) -> tuple[object, ...]:
    """Best first: seen in a run, a failed one, with most confidence; then any order that is the same every time."""
    failed = diagnosis.run is not None and runs.get(diagnosis.run) is Outcome.FAILED
    return (
        diagnosis.run is None,
        not failed,
        -diagnosis.confidence,
        diagnosis.run or "",
    )
