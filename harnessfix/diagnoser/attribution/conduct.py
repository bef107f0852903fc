"""What the model and the world around it did in a run: refusals, repeats, failed calls, a cut end, or nothing."""

from collections import Counter
from collections.abc import Iterator, Sequence

from harnessfix.rules._calls import argument_flaw, asked, asked_in
from harnessfix.rules._errors import short_type
from harnessfix.rules._query import requests
from harnessfix.rules._replies import failure_of, says_nothing
from harnessfix_ir.attribution import Cause
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, LinkKind, Status, StepKind, Verdict

from .exceptions import NETWORK, WORLD
from .symptom import Sort, Symptom

LATE = 0.5  # the second half of a run decides about its end
REPEATED = 0.5  # of the late calls
LEAST = 3  # calls before a share of them means something


def from_replies(run: Htir, symptom: Symptom) -> Iterator[Cause]:
    """What the model's own replies say of a failure."""
    replies = requests(run)
    if not replies:
        return
    last = replies[-1]
    failed = failure_of(run, last)
    if failed:
        yield _model(0.6, f"the last reply ({last.id}) was a refusal or an error: {failed}", last.id)
    elif symptom.sort is Sort.ANSWER and last.error is None and says_nothing(run, last):
        yield _model(0.4, f"the last reply ({last.id}) said nothing and called nothing", last.id)
    calls = list(asked(run))
    late = calls[int(len(calls) * LATE) :]
    wrong = [call for call in late if argument_flaw(call.arguments) is not None and call.arguments.strip()]
    answered = [call for call in wrong if _told(run, call.step)]
    if len(late) >= LEAST and len(answered) >= REPEATED * len(late):
        words = f"{len(answered)} of the last {len(late)} tool calls had malformed arguments, though each was told so"
        yield _model(0.65, words, answered[0].step.id)
    again = _repeats([(call.name, call.arguments, call.step.id) for call in calls])
    if len(late) >= LEAST and len(again) >= REPEATED * len(late):
        shown = ", ".join(list(dict.fromkeys(again))[:5])
        yield _model(0.5, f"the model asked {len(again)} times for what it had asked before ({shown})", again[0])


def _model(weight: float, reason: str, step: str) -> Cause:
    return Cause(verdict=Verdict.MODEL, reason=reason, weight=weight, evidence=Evidence.DERIVED, step=step)


def _told(run: Htir, reply: TraceStep) -> bool:
    """Whether a later request of the run holds what came of a reply."""
    kinds = (LinkKind.COPIED, LinkKind.TRANSFORMED, LinkKind.ITERATION)
    return any(run.step(link.target).kind is StepKind.MODEL_CALL for link in run.links_from(reply.id, *kinds))


def _repeats(calls: Sequence[tuple[str, str, str]]) -> list[str]:
    seen: Counter[tuple[str, str]] = Counter()
    again = []
    for name, arguments, step in calls:
        if seen[name, arguments]:
            again.append(step)
        seen[name, arguments] += 1
    return again


def from_world(run: Htir) -> Iterator[Cause]:
    """Tools whose every call failed on something outside the harness, to the end of the run."""
    by_tool: dict[str, list[TraceStep]] = {}
    for step in run.of_kind(StepKind.TOOL_CALL, StepKind.RETRIEVAL, StepKind.MEMORY):
        by_tool.setdefault(step.name, []).append(step)
    for name, steps in by_tool.items():
        failed = [step for step in steps if step.status is Status.ERROR and step.error is not None]
        kinds = {short_type(step.error) for step in failed}
        if len(failed) == len(steps) and kinds and all(kind in WORLD or NETWORK.match(kind) for kind in kinds):
            calls = f"its only call ({failed[0].id})" if len(failed) == 1 else f"all {len(failed)} calls of it"
            yield Cause(
                verdict=Verdict.ENVIRONMENT,
                reason=f"the tool {name} could not do its work: {calls} failed with {', '.join(sorted(kinds))}",
                weight=0.35 if len(failed) == 1 else 0.5,
                evidence=Evidence.DERIVED,
                step=failed[0].id,
            )


def from_limit(run: Htir, symptom: Symptom) -> Iterator[Cause]:
    """A run still doing new things when its limit was reached: the limit is too low, or the model lost its way."""
    if symptom.sort is not Sort.LIMIT or symptom.step is None:
        return
    words = f"{symptom.words}, while each round still did something new"
    calls = list(asked(run))
    if len(calls) >= LEAST and len(_repeats([(c.name, c.arguments, c.step.id) for c in calls])) >= REPEATED * len(
        calls
    ):
        return
    for verdict, why in ((Verdict.HARNESS, "the limit may be too low"), (Verdict.MODEL, "the model may have strayed")):
        yield Cause(
            verdict=verdict,
            reason=f"{words}: {why}",
            weight=0.35,
            evidence=Evidence.HEURISTIC,
            step=symptom.step.id,
        )


def from_end(run: Htir, symptom: Symptom) -> Iterator[Cause]:
    """A run that was cut off: killed by the system, or by whoever started it."""
    if symptom.sort is not Sort.UNFINISHED or symptom.step is None:
        return
    code = run.run.exit_code
    signal = -code if code is not None and code < 0 else code - 128 if code is not None and 128 < code < 160 else None
    how = f"; the program was ended by signal {signal}" if signal else ""
    yield Cause(
        verdict=Verdict.ENVIRONMENT,
        reason=f"{symptom.words}{how}",
        weight=0.6 if signal else 0.35,
        evidence=Evidence.OBSERVED,
        step=symptom.step.id,
    )


def by_exclusion(run: Htir, symptom: Symptom, causes: Sequence[Cause]) -> Cause | None:
    """The model, when it was told everything and its answer was handed on as it was: there is nobody else left.

    Worth at most half, and less for everything else that could have been the cause.
    """
    replies = requests(run)
    if symptom.sort is not Sort.ANSWER or not replies:
        return None
    weight = 0.5
    for cause in causes:
        if cause.verdict is not Verdict.MODEL:
            weight *= 1 - cause.weight
    if any(link.kind in (LinkKind.TRUNCATED, LinkKind.OMITTED) for link in run.links_to(replies[-1].id)):
        weight *= 0.6
    last, (began, why) = replies[-1].id, _began(run, replies)
    return Cause(
        verdict=Verdict.MODEL,
        reason=f"nothing in the harness is known to have gone wrong on the way to the last reply ({last}), "
        f"and it was handed on as it was{why}",
        weight=round(weight, 3),
        evidence=Evidence.HEURISTIC,
        step=began,
    )


def _began(run: Htir, replies: Sequence[TraceStep]) -> tuple[str, str]:
    """The reply to read first when the model is left, with why: mistakes are made early, and answers built on them.

    That is the first whose call failed, else the first that did anything, else the last. In the failed runs of
    Who&When (arXiv 2505.00212) people named this one more often than any fixed number.
    """
    last, acted = replies[-1].id, ""
    asking = {reply.id for reply in replies}
    before: dict[str | None, str] = {}
    asked_for: dict[tuple[str, str], str] = {}
    for step in run.steps[: run.place(last)]:
        if step.id in asking:
            before[step.parent] = step.id
            asked_for.update({(call.name, call.part.text): step.id for call in asked_in(run, step)})
        elif step.kind is StepKind.TOOL_CALL:
            name = step.name.rpartition(".")[2]
            made = next((found for part in step.input if (found := asked_for.get((name, part.text)))), None)
            reply = made or before.get(step.parent, "")
            if reply and _failed_itself(run, step):
                how = "asked for" if made else "came before"
                return reply, f"; {reply} {how} {step.id}, the first call that failed"
            acted = acted or reply
    return (acted, f"; {acted} was the first to do anything") if acted else (last, "")


def _failed_itself(run: Htir, step: TraceStep) -> bool:
    """Whether a call failed, and not for one that failed within it."""
    if step.status is not Status.ERROR:
        return False
    return not any(s.kind is StepKind.TOOL_CALL and s.status is Status.ERROR for s in run.descendants(step.id))
