"""What the store says of flaws after a check: each is counted over all runs that show it, looked at or not."""

from collections.abc import Collection, Mapping

from harnessfix.diagnoser import Diagnosed
from harnessfix.store import Store
from harnessfix_ir.findings import FlawRecord, Support
from harnessfix_ir.vocabulary import Outcome


def save(store: Store, found: Diagnosed, run_ids: Collection[str] | None, rules: Collection[str] | None) -> None:
    """Save the flaws of a check.

    Args:
        store: that has the diagnoses of the check.
        found: what it found.
        run_ids: that it looked at; None for all runs.
        rules: codes that were asked, when others are asked here too; their flaws stay. None when these are all.
    """
    if run_ids is None or found.runs + found.work.left_out == store.run_count():
        store.save_flaws(found.flaws, replace_all=True, rules=rules)
        return
    looked_at = set(run_ids)
    held = {flaw.flaw: flaw for flaw in store.flaws() if rules is None or flaw.best.rule in rules}
    new = {flaw.flaw: flaw for flaw in found.flaws}
    touched = [*new, *(flaw for flaw, record in held.items() if flaw not in new and looked_at & set(record.runs))]
    runs = store.runs_with(touched)
    gone = [flaw for flaw in touched if flaw not in new and not runs[flaw]]
    records = [_counted(new.get(flaw), held.get(flaw), runs[flaw]) for flaw in touched if flaw not in gone]
    store.save_flaws([_shown_by_one(store, record) for record in records], gone=gone)


def _counted(new: FlawRecord | None, held: FlawRecord | None, runs: Mapping[str, Outcome]) -> FlawRecord:
    """The record of a flaw that these runs show.

    Args:
        new: as the check has it, None when no run shows it any more that was looked at.
        held: as the store had it.
        runs: id to outcome.
    """
    record = new or held
    assert record is not None
    if new is not None and held is not None and not new.best.shown:
        # The source still has it. What other runs showed of it says more, and so do more runs that reached it.
        shown = held.best.shown and held.best.run in runs
        if shown or (not held.best.shown and _total(held.reached) > _total(new.reached)):
            record = held.model_copy(update={"clones": new.clones})
    ended = list(runs.values())
    support = Support(
        failed=ended.count(Outcome.FAILED),
        passed=ended.count(Outcome.PASSED),
        unknown=ended.count(Outcome.UNKNOWN),
    )
    return record.model_copy(update={"runs": tuple(sorted(runs)), "support": support})


def _shown_by_one(store: Store, record: FlawRecord) -> FlawRecord:
    """The record with a case of one of its runs; that of the run it was taken from may be gone."""
    if not record.best.shown or record.best.run in record.runs:
        return record
    cases = [each for each in store.diagnoses(flaw=record.flaw) if each.shown]
    return record.model_copy(update={"best": max(cases, key=lambda each: each.confidence, default=record.best)})


def _total(support: Support) -> int:
    return support.failed + support.passed + support.unknown
