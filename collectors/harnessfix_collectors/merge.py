"""One step for what several instruments saw: a model client, a framework, the probe. Every span id is kept.

Two steps of one kind are the same one when one lies in the other with no agent, model or tool between, and different
instruments made them; or, for a model, when both lie in one step, overlap in time and answered the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import Status, StepKind

SCOPE = "otel.scope.name"
KINDS = (StepKind.TASK, StepKind.MODEL_CALL, StepKind.TOOL_CALL)
NO_MESSAGES = "messages were not recorded"
NO_VALUES = "arguments and result were not recorded"


def merge_duplicates(steps: Sequence[TraceStep]) -> tuple[TraceStep, ...]:
    """The steps without duplicates, numbered anew in the same order.

    Args:
        steps: of one run; `attributes["otel.scope.name"]` says which instrumentation made a step, without it the probe
            did.
    """
    return _Merger(steps).merged()


class _Merger:
    def __init__(self, steps: Sequence[TraceStep]) -> None:
        self._steps = {step.id: step for step in steps}
        self._children: dict[str | None, list[str]] = {}
        for step in steps:
            parent = step.parent if step.parent in self._steps else None
            self._children.setdefault(parent, []).append(step.id)
        self._into: dict[str, str] = {}

    def merged(self) -> tuple[TraceStep, ...]:
        if not any(SCOPE in step.attributes for step in self._steps.values()):
            return tuple(self._steps.values())
        self._demote()
        for name in list(self._steps):
            self._siblings(name)
            while name in self._steps and self._inner(name):
                pass
        self._siblings(None)
        ids = {name: f"s{number}" for number, name in enumerate(self._steps, 1)}
        return tuple(
            step.model_copy(update={"id": ids[name], "parent": ids.get(self._now(step.parent))})
            for name, step in self._steps.items()
        )

    def _demote(self) -> None:
        """A loop inside what an instrumentation calls one request of a model is no agent: it retries, or streams."""
        within: dict[str, TraceStep | None] = {}
        for name, step in self._steps.items():
            above = self._steps.get(step.parent or "")
            within[name] = above if above is not None and above.kind in KINDS else within.get(step.parent or "")
            around = within[name]
            in_one = around is not None and around.kind is StepKind.MODEL_CALL and SCOPE in around.attributes
            if in_one and step.kind is StepKind.TASK and SCOPE not in step.attributes:
                self._steps[name] = step.model_copy(update={"kind": StepKind.LIFECYCLE})

    def _now(self, name: str | None) -> str:
        """The step that one was merged into, itself when it was not."""
        while name in self._into:
            name = self._into[name]
        return name or ""

    def _inner(self, name: str) -> bool:
        """Merge a step with the one of its kind inside it; whether there was one."""
        outer = self._steps[name]
        if outer.kind not in KINDS:
            return False
        inside = [self._steps[found] for found in self._below(name, outer.kind)]
        if not inside or any(_scope(step) == _scope(outer) for step in inside):
            return False
        if len(inside) == 1:
            self._join(outer, inside[0])
            return True
        if outer.kind is StepKind.MODEL_CALL:  # it asked again: each is an attempt of the one call
            for step in inside:
                self._steps[step.id] = step.model_copy(update={"kind": StepKind.LIFECYCLE})
            self._steps[name] = _answered(outer, inside)
        return False

    def _below(self, name: str, kind: StepKind) -> Iterator[str]:
        pending = list(self._children.get(name, ()))
        while pending:
            found = pending.pop()
            if self._steps[found].kind is kind:
                yield found
            elif self._steps[found].kind not in KINDS:
                pending.extend(self._children.get(found, ()))

    def _siblings(self, parent: str | None) -> None:
        """Merge models in one step that overlap and answered the same."""
        groups: dict[tuple[str, ...], list[str]] = {}
        for name in list(self._children.get(parent, ())):
            step = self._steps.get(name)
            answer = () if step is None else tuple(part.text for part in step.output if part.role == "assistant")
            if step is not None and step.kind is StepKind.MODEL_CALL and answer:
                before = groups.setdefault(answer, [])
                twin = self._steps[before[-1]] if before else None
                if twin is not None and _scope(twin) != _scope(step) and _overlap(twin, step):
                    self._join(twin, step)
                else:
                    before.append(name)

    def _join(self, outer: TraceStep, inner: TraceStep) -> None:
        """Put `inner` into `outer`: it stands at the outer one's place, and has the children of both."""
        del self._steps[inner.id]
        self._into[inner.id] = outer.id
        parent = self._now(inner.parent) or None
        siblings = self._children.get(parent, [])
        if inner.id in siblings:
            siblings.remove(inner.id)
        self._children.setdefault(outer.id, []).extend(self._children.pop(inner.id, ()))
        keep, other = sorted((outer, inner), key=_richness, reverse=True)
        self._steps[outer.id] = _one(keep, other).model_copy(update={"id": outer.id, "parent": outer.parent})


def _scope(step: TraceStep) -> str:
    return str(step.attributes.get(SCOPE, ""))


def _richness(step: TraceStep) -> tuple[bool, bool, int]:
    """The probe's step has anchors, exceptions and values that no instrumentation tells."""
    return SCOPE not in step.attributes, step.usage is not None, len(step.input) + len(step.output)


def _overlap(one: TraceStep, other: TraceStep) -> bool:
    times = (one.started_ns, one.ended_ns, other.started_ns, other.ended_ns)
    if any(time is None for time in times):
        return False
    return max(one.started_ns or 0, other.started_ns or 0) <= min(one.ended_ns or 0, other.ended_ns or 0)


def _one(keep: TraceStep, other: TraceStep) -> TraceStep:
    """`keep` with what only `other` has."""
    told: dict[str, Any] = {
        "name": other.name,
        "span_ids": list(other.source.span_ids),
        "times": [other.started_ns, other.ended_ns],
    }
    if _scope(other):
        told |= {"scope": _scope(other), "attributes": other.attributes}
    again = keep.attributes.get("merged")
    input_, output = _parts(keep.input, other.input), _parts(keep.output, other.output)
    kept = {part.text for part in (*input_, *output)}
    unseen = [p.text for p in (*keep.input, *keep.output, *other.input, *other.output) if p.text not in kept]
    if unseen:  # digests of what the two said differently
        told["texts"] = list(dict.fromkeys(unseen))
    attributes = {**keep.attributes, "merged": [*(again if isinstance(again, list) else ()), told]}
    call_id = other.call_id
    if keep.kind is StepKind.TOOL_CALL and call_id:
        input_, output = _with_call(input_, call_id), _with_call(output, call_id)
    failed = Status.ERROR if Status.ERROR in (keep.status, other.status) else keep.status
    told_missing = [
        what
        for what in (*keep.missing, *other.missing)
        if what not in (NO_MESSAGES, NO_VALUES) or not (input_ or output)
    ]
    # A framework's way to run any tool is known by its class where the tool does not say its name.
    unnamed = keep.kind is StepKind.TOOL_CALL and keep.name == str(keep.attributes.get("self", "")).rpartition(".")[2]
    return keep.model_copy(
        update={
            "name": other.name if unnamed and _scope(other) else keep.name,
            "agent": keep.agent or other.agent,
            "input": input_,
            "output": output,
            "status": failed,
            "error": keep.error or other.error,
            "finish_reason": keep.finish_reason or other.finish_reason,
            "usage": keep.usage or other.usage,
            "effects": (*keep.effects, *other.effects),
            "anchors": (*keep.anchors, *(anchor for anchor in other.anchors if anchor not in keep.anchors)),
            "events": (*keep.events, *other.events),
            "source": keep.source.model_copy(update={"span_ids": (*keep.source.span_ids, *other.source.span_ids)}),
            "attributes": attributes,
            "missing": tuple(dict.fromkeys(told_missing)),
        }
    )


def _parts(keep: tuple[Part, ...], other: tuple[Part, ...]) -> tuple[Part, ...]:
    """Parts of the one that tells messages with roles, and calls of tools, where the other has plain values."""
    if not keep or (_messages(other) and not _messages(keep)):
        return other
    calls = any(part.kind == "tool_call" for part in other) and not any(part.kind == "tool_call" for part in keep)
    return other if calls and _messages(other) else keep


def _messages(parts: Iterable[Part]) -> bool:
    return any(part.role in ("system", "user", "assistant", "tool") for part in parts)


def _with_call(parts: tuple[Part, ...], call_id: str) -> tuple[Part, ...]:
    return tuple(part if part.call_id else part.model_copy(update={"call_id": call_id}) for part in parts)


def _answered(outer: TraceStep, attempts: Sequence[TraceStep]) -> TraceStep:
    """A model call with the finish reason and usage of its last attempt that was answered, where it has none."""
    last = max((step for step in attempts if step.status is Status.OK), key=lambda s: s.started_ns or 0, default=None)
    if last is None:
        return outer
    return outer.model_copy(
        update={"finish_reason": outer.finish_reason or last.finish_reason, "usage": outer.usage or last.usage}
    )
