"""From causes to a verdict: the best cause of each verdict counts, others only help it; close calls are ties."""

from collections.abc import Iterable, Mapping, Sequence

from harnessfix.words import counted
from harnessfix_ir.attribution import Attribution, Cause
from harnessfix_ir.findings import Support
from harnessfix_ir.vocabulary import Evidence, Verdict

HELP = 0.25  # how much further causes add to the best one of their verdict
LEAST = 0.3  # below it no verdict is given
LEAD = 0.15  # a smaller one is a tie
LACKING = 0.9  # what each missing sort of evidence leaves of the confidence
UNLIKELY = 0.25  # what is left of a finding that passed runs have as often as one likes
MOST_CAUSES = 6


def decide(plain: Attribution) -> Attribution:
    """The same attribution with verdict, confidence and ties made from its causes."""
    causes = sorted(plain.causes, key=lambda cause: -cause.weight)[:MOST_CAUSES]
    ranked = _ranked(causes)
    verdict, confidence, evidence = Verdict.UNKNOWN, 0.0, Evidence.HEURISTIC
    tied: tuple[Verdict, ...] = ()
    if ranked and ranked[0][1] >= LEAST:
        best, score = ranked[0]
        near = tuple(v for v, s in ranked if score - s < LEAD)
        second = ranked[1][1] if len(ranked) > 1 else 0.0
        if len(near) > 1:
            tied = near
        else:
            verdict = best
            confidence = score * (1 - second / 2) * LACKING ** min(len(plain.missing), 3)
            evidence = next(cause.evidence for cause in causes if cause.verdict is best)
    changed = {
        "verdict": verdict,
        "confidence": round(confidence, 2),
        "evidence": evidence,
        "tied": tied,
        "causes": tuple(causes),
    }
    return plain.model_copy(update=changed)


def _ranked(causes: Sequence[Cause]) -> list[tuple[Verdict, float]]:
    """Verdicts and how strongly the causes speak for each, strongest first."""
    best: dict[Verdict, float] = {}
    not_so: dict[Verdict, float] = {}
    for cause in causes:
        if cause.verdict is not Verdict.UNKNOWN:
            best[cause.verdict] = max(best.get(cause.verdict, 0.0), cause.weight)
            not_so[cause.verdict] = not_so.get(cause.verdict, 1.0) * (1 - cause.weight)
    scores = {verdict: top + HELP * (1 - not_so[verdict] - top) for verdict, top in best.items()}
    return sorted(scores.items(), key=lambda item: -item[1])


def first_cause(causes: Iterable[Cause], verdict: Verdict) -> Cause | None:
    """The earliest of the causes of a verdict that are about as strong as its strongest: where it began to go wrong."""
    own = [cause for cause in causes if cause.verdict is verdict and cause.step is not None]
    top = max((cause.weight for cause in own), default=0.0)
    near = [cause for cause in own if cause.weight >= 0.8 * top]
    return min(near, key=lambda cause: _number(cause.step), default=None)


def _number(step: str | None) -> int:
    digits = (step or "")[1:]
    return int(digits) if digits.isdigit() else 0


def with_lead(one: Attribution, lead: Cause) -> Attribution:
    """The attribution with something that other runs showed; what was left by exclusion is left the less for it."""
    causes = [
        cause.model_copy(update={"weight": round(cause.weight * (1 - lead.weight), 3)})
        if cause.verdict is Verdict.MODEL and cause.evidence is Evidence.HEURISTIC
        else cause
        for cause in one.causes
    ]
    changed = decide(one.model_copy(update={"causes": (*causes, lead)}))
    return changed if changed.verdict is one.verdict else changed.model_copy(update={"origin": None, "path": ()})


def settle(one: Attribution, support: Mapping[str, Support]) -> Attribution:
    """The attribution in the light of the other runs: a flaw that passed runs have as well explains a failure less.

    Args:
        one: of a single run.
        support: flaw id to the runs that have it.
    """
    causes = []
    for cause in one.causes:
        runs = support.get(cause.flaw)
        if runs is not None and runs.passed:
            left = max(UNLIKELY, (runs.failed + 1) / (runs.failed + runs.passed + 1))
            passed = counted(runs.passed, "passed run")
            cause = cause.model_copy(
                update={"weight": round(cause.weight * left, 3), "reason": f"{cause.reason} (also in {passed})"}
            )
        causes.append(cause)
    changed = decide(one.model_copy(update={"causes": tuple(causes)}))
    return changed if changed.verdict is one.verdict else changed.model_copy(update={"origin": None, "path": ()})
