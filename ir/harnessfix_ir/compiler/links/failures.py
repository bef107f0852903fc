"""Where exceptions were caught, and what ended a task."""

from collections.abc import Iterator

from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.steps import TraceLink, TraceStep, new_link
from harnessfix_ir.vocabulary import Evidence, LinkKind, Status, StepKind

RAISE, EXCEPT = "raise ", "except "
LIMIT_EVENTS = frozenset(("limit", "sample_limit", "max_turns"))


def handled_links(view: RunView) -> Iterator[TraceLink]:
    """From each raised exception to the handlers it entered.

    Observed when both carry the id of one exception object; derived from type and message when they do not.
    """
    by_id: dict[str, int] = {}
    by_words: dict[tuple[str, str], int] = {}
    for i in view.order:
        step = view.steps[i]
        if step.kind is not StepKind.ERROR:
            continue
        exc_id = step.attributes.get("exc_id")
        words = _words(step)
        if step.name.startswith(RAISE):
            if isinstance(exc_id, str | int):
                by_id[str(exc_id)] = i
            by_words[words] = i
        elif step.name.startswith(EXCEPT):
            raised, evidence = by_id.get(str(exc_id)) if exc_id is not None else None, Evidence.OBSERVED
            if raised is None:
                raised, evidence = by_words.get(words), Evidence.DERIVED
            if raised is not None:
                yield new_link(
                    source=view.steps[raised].id,
                    target=step.id,
                    kind=LinkKind.HANDLED_BY,
                    evidence=evidence,
                    detail=step.name.removeprefix(EXCEPT),
                )


def _words(step: TraceStep) -> tuple[str, str]:
    if step.error is not None:
        return step.error.type.rpartition(".")[2], step.error.message
    return step.name.partition(" ")[2], ""


def termination_links(view: RunView) -> Iterator[TraceLink]:
    """From each task to the step that ended it: a submission, a limit, an exception, or the model's last answer."""
    inside: dict[int, list[int]] = {}
    for i in view.order:
        if view.task_of[i] >= 0:
            inside.setdefault(view.task_of[i], []).append(i)
    for task, steps in inside.items():
        found = _ending(view, view.steps[task], steps)
        if found is not None:
            step, evidence, detail = found
            yield new_link(
                source=view.steps[task].id,
                target=view.steps[step].id,
                kind=LinkKind.TERMINATED_BY,
                evidence=evidence,
                detail=detail,
            )


def _ending(view: RunView, task: TraceStep, inside: list[int]) -> tuple[int, Evidence, str] | None:
    steps = view.steps
    if task.status is Status.UNFINISHED:
        open_steps = [i for i in inside if steps[i].status is Status.UNFINISHED]
        return (open_steps[-1], Evidence.DERIVED, "it was running when the record ends") if open_steps else None
    last_error = next((i for i in reversed(inside) if _raises(steps[i])), None)
    if task.status is Status.ERROR and last_error is not None:
        return last_error, _tie(task, steps[last_error]), "exception"
    submitted = next((i for i in reversed(inside) if steps[i].kind is StepKind.SUBMIT), None)
    if submitted is not None:
        return submitted, Evidence.DERIVED, "submission"
    for i in reversed(inside):
        if any(event.name in LIMIT_EVENTS for event in steps[i].events):
            return i, Evidence.DERIVED, "limit"
    turns = [i for i in inside if steps[i].kind is StepKind.MODEL_CALL]
    if turns and not any(part.kind == "tool_call" for part in steps[turns[-1]].output):
        return turns[-1], Evidence.HEURISTIC, "the last answer asks for no tool"
    return None


def _raises(step: TraceStep) -> bool:
    return (step.kind is StepKind.ERROR and step.name.startswith(RAISE)) or step.status is Status.ERROR


def _tie(task: TraceStep, step: TraceStep) -> Evidence:
    """Derived when task and step ended in the same exception."""
    if task.error is not None and step.error is not None and _words(task) == _words(step):
        return Evidence.DERIVED
    return Evidence.HEURISTIC
