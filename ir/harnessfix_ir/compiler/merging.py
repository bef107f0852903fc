"""One model call recorded twice becomes one step.

Client and framework instrumentations both make a span for the same call: one inside the other, or one over the other
without being its parent. Counting both doubles tokens, turns and iterations, so they are merged before anything is
counted. The outer step stays, filled up with what only the inner one knew; `Source.span_ids` keeps both ids.
"""

from collections.abc import Iterable, Sequence

from harnessfix_ir.document import JsonValue
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import Status, StepKind

RESPONSE_IDS = ("gen_ai.response.id", "llm.response.id", "response.id", "response_id")
SCOPES = ("otel.scope.name", "otel.library.name", "scope", "scope.name")
MERGED = "harnessfix.merged"


def merge_duplicates(steps: list[TraceStep], texts: dict[str, str]) -> list[TraceStep]:
    """Steps without the second recordings of model calls; children of a removed step move to the one that stays."""
    twin_of = _nested_twins(steps, texts)
    _add_overlapping_twins(steps, texts, twin_of)
    if not twin_of:
        return steps
    inner_of: dict[str, list[TraceStep]] = {}
    for step in steps:
        if step.id in twin_of:
            inner_of.setdefault(_kept(step.id, twin_of), []).append(step)
    merged = []
    for step in steps:
        if step.id in twin_of:
            continue
        for inner in inner_of.get(step.id, ()):
            step = _merge(step, inner)
        if step.parent in twin_of:
            step = step.model_copy(update={"parent": _kept(step.parent, twin_of)})
        merged.append(step)
    return merged


def _kept(step_id: str, twin_of: dict[str, str]) -> str:
    while step_id in twin_of:
        step_id = twin_of[step_id]
    return step_id


def _nested_twins(steps: list[TraceStep], texts: dict[str, str]) -> dict[str, str]:
    """Model calls whose nearest model call around them recorded the same answer: inner id to outer id."""
    by_id = {step.id: step for step in steps}
    around: dict[str, str | None] = {}
    twin_of: dict[str, str] = {}
    answered: set[str] = set()
    for step in steps:
        if step.kind is not StepKind.MODEL_CALL:
            continue
        outer = _model_call_around(step, by_id, around)
        if outer is not None and outer not in answered and _same_answer(by_id[outer], step, texts):
            twin_of[step.id] = outer
            answered.add(outer)
    return twin_of


def _model_call_around(step: TraceStep, by_id: dict[str, TraceStep], around: dict[str, str | None]) -> str | None:
    """The nearest model call that encloses the step, looked up once per enclosing step."""
    path: list[str] = []
    at, found = step.parent, None
    while at is not None:
        if at in around:
            found = around[at]
            break
        path.append(at)
        if by_id[at].kind is StepKind.MODEL_CALL:
            found = at
            break
        if by_id[at].kind in (StepKind.TASK, StepKind.TOOL_CALL):
            break
        at = by_id[at].parent
    for visited in path:
        around[visited] = found
    return found


def _add_overlapping_twins(steps: Sequence[TraceStep], texts: dict[str, str], twin_of: dict[str, str]) -> None:
    """Add neighbouring model calls that overlap in time and are the same call seen by another instrumentation."""
    previous: dict[str | None, TraceStep] = {}
    for step in steps:
        if step.kind is not StepKind.MODEL_CALL or step.id in twin_of:
            continue
        before = previous.get(step.parent)
        if before is not None and _overlap(before, step) and _seen_twice(before, step, texts):
            twin_of[step.id] = before.id
        else:
            previous[step.parent] = step


def _overlap(first: TraceStep, second: TraceStep) -> bool:
    if None in (first.started_ns, first.ended_ns, second.started_ns, second.ended_ns):
        return False
    return max(first.started_ns or 0, second.started_ns or 0) < min(first.ended_ns or 0, second.ended_ns or 0)


def _seen_twice(first: TraceStep, second: TraceStep, texts: dict[str, str]) -> bool:
    """Same response id; or same answer to the same question, written by different instrumentations."""
    ids = _first(first, RESPONSE_IDS), _first(second, RESPONSE_IDS)
    if None not in ids:
        return ids[0] == ids[1]
    if not _same_answer(first, second, texts) or not _same_last_words(first, second, texts):
        return False
    scopes = _first(first, SCOPES), _first(second, SCOPES)
    if None not in scopes:
        return scopes[0] != scopes[1]
    return first.name != second.name and first.attributes.keys() != second.attributes.keys()


def _same_answer(first: TraceStep, second: TraceStep, texts: dict[str, str]) -> bool:
    ids = _first(first, RESPONSE_IDS), _first(second, RESPONSE_IDS)
    if None not in ids:
        return ids[0] == ids[1]
    calls = _call_ids(first.output), _call_ids(second.output)
    if calls[0] and calls[1]:
        return bool(calls[0] & calls[1])
    return bool(_words(first.output, texts) & _words(second.output, texts))


def _same_last_words(first: TraceStep, second: TraceStep, texts: dict[str, str]) -> bool:
    if not first.input or not second.input:
        return True
    return bool(_words(first.input[-1:], texts) & _words(second.input[-1:], texts))


def _call_ids(parts: Iterable[Part]) -> set[str]:
    return {part.call_id for part in parts if part.call_id}


def _words(parts: Iterable[Part], texts: dict[str, str]) -> set[str]:
    found = {" ".join(texts.get(part.text, "").split()) for part in parts}
    return found - {"", "{}", "null"}


def _first(step: TraceStep, names: Iterable[str]) -> JsonValue:
    return next((step.attributes[name] for name in names if step.attributes.get(name)), None)


def _merge(outer: TraceStep, inner: TraceStep) -> TraceStep:
    """The outer step with what only the inner one recorded."""
    merged = outer.attributes.get(MERGED)
    names = [*merged, inner.id] if isinstance(merged, list) else [inner.id]
    update: dict[str, object] = {
        "attributes": {**inner.attributes, **outer.attributes, MERGED: names},
        "events": (*outer.events, *(event for event in inner.events if event not in outer.events)),
        "effects": tuple(dict.fromkeys((*outer.effects, *inner.effects))) if inner.effects else outer.effects,
        "missing": tuple(dict.fromkeys((*outer.missing, *inner.missing))),
        "anchors": (*outer.anchors, *(anchor for anchor in inner.anchors if anchor not in outer.anchors)),
        "source": outer.source.model_copy(
            update={"span_ids": tuple(dict.fromkeys((*outer.source.span_ids, *inner.source.span_ids)))}
        ),
    }
    for name in ("agent", "started_ns", "ended_ns", "error", "finish_reason", "usage"):
        if getattr(outer, name) is None:
            update[name] = getattr(inner, name)
    if len(inner.input) > len(outer.input):
        update["input"] = inner.input
    if len(inner.output) > len(outer.output):
        update["output"] = inner.output
    if inner.status is Status.ERROR and outer.status is Status.OK and not outer.output:
        update["status"] = Status.ERROR
    return outer.model_copy(update=update)
