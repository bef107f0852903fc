"""The verdict on one stored run, from what was found the last time it was checked."""

from harnessfix.diagnoser.attribution import attribute, settle
from harnessfix.pipeline import Pipeline
from harnessfix_ir.attribution import Attribution
from harnessfix_ir.htir import Htir


def judge(pipeline: Pipeline, run: Htir) -> Attribution | None:
    """Whose fault a run's failure is; None when it did not fail, or was not checked yet.

    Args:
        pipeline: over the store that holds the run.
        run: compiled.
    """
    from harnessfix.rules import all_rules

    store, run_id = pipeline.store, run.run.id
    if store.run(run_id).flaws is None:
        return None
    flaws = store.flaws()
    found = attribute(
        run,
        pipeline.model(pipeline.roots_of(run.run)),
        store.diagnoses(run_id=run_id),
        static=[flaw.best for flaw in flaws if flaw.best.run is None],
        observing={rule.code for rule in all_rules() if rule.observes},
        labels=[(label.outcome, label.by) for label in store.labels(run_id)],
    )
    return settle(found, {flaw.flaw: flaw.support for flaw in flaws}) if found is not None else None
