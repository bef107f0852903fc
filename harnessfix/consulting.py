"""Ask a model about the failed runs of a check that nothing explains, and add what it can show to what was found."""

import os
from collections.abc import Iterator, Sequence

from harnessfix.diagnoser import Diagnosed, consolidate
from harnessfix.diagnoser.attribution import with_lead
from harnessfix.diagnoser.opinion.asking import Asker, Budget, NoAnswerError
from harnessfix.diagnoser.opinion.opine import Opinions
from harnessfix.judging import unexplained
from harnessfix.pipeline import Pipeline
from harnessfix_ir.findings import Diagnosis, FlawRecord


def consult(pipeline: Pipeline, found: Diagnosed, model: str) -> None:
    """Ask `model` about each failed run that nothing explains, until the budget of the settings is used up.

    Claims become findings with the evidence `model`, the verdict a cause. What could not be asked is said in
    `found.incomplete`.

    Raises:
        SettingsError: there is no such model, or the extra is not installed.
    """
    settings = pipeline.workspace.settings.llm
    key = os.environ.get(settings.api_key_variable) if settings.base_url else None
    with Asker(model, base_url=settings.base_url, api_key=key) as asker:
        opinions = Opinions(asker, Budget(settings.calls, settings.tokens), pipeline.store)
        claims = list(_claims(pipeline, found, opinions, model))
    found.flaws += _new(found, claims)


def _claims(pipeline: Pipeline, found: Diagnosed, opinions: Opinions, model: str) -> Iterator[Diagnosis]:
    """What the model claims of each run; its causes go into the verdicts."""
    for run_id in [run for run, verdict in found.attributions.items() if unexplained(verdict)]:
        run = pipeline.compile(run_id)
        try:
            opinion = opinions.on(run, pipeline.model(pipeline.roots_of(run.run)), found.attributions[run_id])
        except NoAnswerError as error:
            found.incomplete.append(f"run {run_id[:8]}: {model} was not asked or gave no answer: {error}")
            continue
        if opinion.dropped:
            found.incomplete.append(
                f"run {run_id[:8]}: {opinion.dropped} of what {model} said cited what it was not shown, and was dropped"
            )
        yield from opinion.diagnoses
        if opinion.cause is not None:
            found.attributions[run_id] = with_lead(found.attributions[run_id], opinion.cause)


def _new(found: Diagnosed, claims: Sequence[Diagnosis]) -> list[FlawRecord]:
    outcomes = {run: one.outcome for run, one in found.attributions.items()}
    told = {flaw.flaw for flaw in found.flaws}
    return [flaw for flaw in consolidate(claims, outcomes, [], {}) if flaw.flaw not in told]
