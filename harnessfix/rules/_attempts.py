"""Attempts: calls of one function, made again because the one before failed."""

from dataclasses import dataclass

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, LinkKind, StepKind

from ._once import once
from ._own import is_model_step, own_anchors, own_function
from ._signals import is_signal

_CALLS = (StepKind.TOOL_CALL, StepKind.RETRIEVAL, StepKind.HANDOFF)


@dataclass(frozen=True)
class Attempts:
    """Calls that were made one after the other with the same input, each but perhaps the last one failing.

    Args:
        steps: in order; at least two.
        linked: whether the run itself says that they are retries.
    """

    steps: list[TraceStep]
    linked: bool

    @property
    def failed(self) -> list[TraceStep]:
        """Those that ended in an error."""
        return [step for step in self.steps if step.error is not None]


@once
def attempts(run: Htir) -> tuple[Attempts, ...]:
    """Groups of attempts, in order of the first one."""
    last: dict[tuple[object, ...], list[TraceStep]] = {}
    groups: list[list[TraceStep]] = []
    for step in run.steps:
        if step.kind not in _CALLS and not is_model_step(step):
            continue
        key = (step.parent, step.name, tuple((a.path, a.qualname) for a in own_anchors(step)[:1]))
        group = last.get(key)
        if group is not None and _again(group[-1], step):
            group.append(step)
        else:
            last[key] = [step]
            groups.append(last[key])
    return tuple(
        Attempts(group, any(run.links_to(step.id, LinkKind.RETRY_OF) for step in group[1:]))
        for group in groups
        if len(group) > 1
    )


def _again(before: TraceStep, step: TraceStep) -> bool:
    if before.error is None or is_signal(before.error):
        return False
    return [(p.name, p.text) for p in before.input] == [(p.name, p.text) for p in step.input]


def retry_around(run: Htir, model: HarnessModel, step: TraceStep) -> Element | None:
    """The retry in the source that makes `step` again.

    That is a decorator of the step's function, a retrying loop whose lines hold a call of it, or a retrying object of a
    library in the function that called it, or in one that this function calls (`for attempt in retrying(): ...`).
    """
    function = own_function(model, step)
    if function is None:
        return None
    path, qualname = function.anchor.path, function.anchor.qualname
    around = _callers(run, model, step)
    for retry in model.of_role(ElementRole.RETRY):
        place = (retry.anchor.path, str(retry.value("decorates") or retry.anchor.qualname))
        if retry.value("library") == "loop":
            if _calls_in(model, retry, f"{path}:{qualname}", qualname.rpartition(".")[2]):
                return retry
        elif place == (path, qualname) or (retry.anchor.kind is AnchorKind.CALL and ":".join(place) in around):
            return retry
    return None


def _callers(run: Htir, model: HarnessModel, step: TraceStep) -> set[str]:
    """`path:qualname` of the function that called the step's, and of the functions that this one calls."""
    outer = run.step(step.parent) if step.parent is not None else None
    function = own_function(model, outer) if outer is not None else None
    if function is None:
        return set()
    key = function.anchor.symbol
    return {key, *model.callees.get(key, ())}


def _calls_in(model: HarnessModel, loop: Element, resolved: str, name: str) -> bool:
    lines = range(loop.anchor.start_line, loop.anchor.end_line + 1)
    owner = loop.anchor.symbol
    return any(
        call.line in lines
        and (call.resolved == resolved or (not call.resolved and call.callee.rpartition(".")[2] == name))
        for call in model.calls_of(owner)
    )
