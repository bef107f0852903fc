"""Where a failure was noticed: the exception that ended the run, the limit, the missing end, or the last answer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from harnessfix.rules._errors import raised, same_error, short_type
from harnessfix.rules._query import ancestors, events, quote
from harnessfix.rules._signals import is_same, is_signal
from harnessfix_ir.document import JsonValue
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Status, StepKind

_HANDS_IN = re.compile(
    r"^(submit(_\w+)?|final_answer|provide_final_answer|finish(_task)?|complete_task|attempt_completion)$"
)
LIMIT_NAMES = ("limit", "exceeded", "maxturns", "maxsteps", "budget", "exhausted")


class Sort(StrEnum):
    """How a failed run ended."""

    EXCEPTION = "exception"
    LIMIT = "limit"
    UNFINISHED = "unfinished"
    ANSWER = "answer"
    EMPTY = "empty"


@dataclass(frozen=True)
class Symptom:
    """Where and how the failure was noticed.

    Args:
        sort: how the run ended.
        step: where that shows; None for a run without steps.
        words: the same for people.
        origin: for an exception the step that says where it was raised, else `step`.
    """

    sort: Sort
    step: TraceStep | None
    words: str
    origin: TraceStep | None


def symptom_of(run: Htir) -> Symptom:
    """How a run that did not pass was seen to fail; the strongest sign counts, in the order of `Sort`."""
    if not run.steps:
        return Symptom(Sort.EMPTY, None, "the run holds no steps", None)
    ended = _exception(run)
    if ended is not None:
        return ended
    limit = _limit(run)
    if limit is not None:
        return limit
    cut = next((step for step in reversed(run.steps) if step.status is Status.UNFINISHED), None)
    if cut is not None:
        return Symptom(Sort.UNFINISHED, cut, f"{cut.id} ({cut.name}) began and never ended", cut)
    last = last_answer(run)
    by = f" by {run.run.outcome_by}" if run.run.outcome_by else ""
    return Symptom(Sort.ANSWER, last, f"the run ended in an orderly way and was called failed{by}", last)


def _roots(run: Htir) -> Iterator[TraceStep]:
    """Outermost steps that are no reports of exceptions, last first."""
    return (step for step in reversed(run.steps) if step.parent is None and step.kind is not StepKind.ERROR)


def _exception(run: Htir) -> Symptom | None:
    """The error of the last outermost task (step, without one), or one that ended the program outside of any step."""
    root = next((step for step in _roots(run) if step.kind is StepKind.TASK), None) or next(_roots(run), None)
    if root is not None and root.error is not None:
        if is_signal(root.error):
            return _by_name(run, root)
        words = f"{short_type(root.error)} ended {root.name} ({root.id}): {quote(root.error.message, 120)!r}"
        return Symptom(Sort.EXCEPTION, root, words, raise_of(run, root) or root)
    alone = next((s for s in raised(run) if s.parent is None and not is_signal(s.error) and not _taken(run, s)), None)
    if alone is None or alone.error is None:
        return None
    words = f"{short_type(alone.error)} ended the program ({alone.id}): {quote(alone.error.message, 120)!r}"
    return Symptom(Sort.EXCEPTION, alone, words, alone)


def _by_name(run: Htir, root: TraceStep) -> Symptom | None:
    name = short_type(root.error).lower()
    if not any(word in name for word in LIMIT_NAMES):
        return None
    words = f"{short_type(root.error)} ended {root.name} ({root.id}): a limit of the harness was reached"
    return Symptom(Sort.LIMIT, root, words, raise_of(run, root) or root)


def _limit(run: Htir) -> Symptom | None:
    """An agent loop in no other one that used up its rounds, with nothing of its kind after it."""
    looped = {step.id: _end_of_loop(step) for step in run.steps}
    inside: set[str] = set()
    for step in run.steps:  # what happens inside a step comes after it
        if step.parent is not None and (step.parent in inside or looped.get(step.parent) is not None):
            inside.add(step.id)
    for step in reversed(run.steps):
        ended = looped[step.id]
        if ended is None or step.id in inside:
            continue
        why, rounds = ended
        if why not in ("exhausted", "condition") or (why == "condition" and _answered(run, step)):
            return None
        return Symptom(Sort.LIMIT, step, f"the loop of {step.name} ({step.id}) ended after {rounds} rounds", step)
    return None


def _end_of_loop(step: TraceStep) -> tuple[str, JsonValue] | None:
    """Why the agent loop of a step ended, and after how many rounds; None where it has none."""
    for event in events(step, "loop_ended"):
        if str(event.attributes.get("loop", "")).startswith("agent_loop:"):
            return str(event.attributes.get("why")), event.attributes.get("n")
    return None


def _answered(run: Htir, loop: TraceStep) -> bool:
    """Whether the last thing that happened in a loop was the handing in of a result, by a tool perhaps."""
    inside = [step for step in run.descendants(loop.id) if step.kind in (StepKind.SUBMIT, StepKind.TOOL_CALL)]
    if loop.output or not inside:
        return bool(loop.output)
    last = inside[-1]
    around = takewhile(lambda step: step is not loop, ancestors(run, last))
    if any(step.kind is StepKind.SUBMIT for step in (last, *around)):
        return True
    return last.error is None and _HANDS_IN.match(last.name) is not None


def raise_of(run: Htir, ended: TraceStep) -> TraceStep | None:
    """The step that says where the exception was raised that ended a step: the first that was raised there so."""
    last = None
    for step in raised(run):
        if is_same(step.error, ended.error) or (last is None and same_error(ended.error, step.error)):
            last = step
    if last is None:
        return None
    place = last.attributes.get("raised_in")
    alike = (s for s in raised(run) if is_same(s.error, last.error) and s.attributes.get("raised_in") == place)
    return next(alike, last)


def last_answer(run: Htir) -> TraceStep:
    """The step that handed in the result: the last submission, else the last model call, else the last step."""
    submissions = (step for step in reversed(run.steps) if step.kind is StepKind.SUBMIT)
    handed_in = next((step for step in submissions if step.input or step.output), None)
    if handed_in is not None:
        return handed_in
    replied = next((step for step in reversed(run.steps) if step.kind is StepKind.MODEL_CALL), None)
    if replied is None:
        return run.steps[-1]
    after = [s for s in run.descendants(replied.parent) if s.kind is StepKind.TOOL_CALL] if replied.parent else []
    later = [s for s in after if _number(s) > _number(replied)]
    return later[-1] if later else replied


def _number(step: TraceStep) -> int:
    return int(step.id[1:]) if step.id[1:].isdigit() else 0


def _taken(run: Htir, step: TraceStep) -> bool:
    return any(link.kind.value == "handled_by" for link in run.links_from(step.id))
