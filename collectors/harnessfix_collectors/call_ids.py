"""Which call of the model a tool's step answers, where its recorder tells no id.

Some harnesses hand their tool the model's call itself, or take a message that answers it: then its id is there to be
read. Mostly the function that does the work gets the arguments alone, and some frameworks put no id on their tool
spans: then the call is found by name, arguments and order. What is found so is derived, and `attributes["call_id_by"]`
says so.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harnessfix_collectors.messages import CALL_ID_NAMES, call_id_of
from harnessfix_collectors.values import mapping, name_of, objects
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import StepKind

MOST_OPEN = 200
DERIVED = "derived from name, arguments and order"
GIVEN = ("arguments", "args", "input", "function")


def with_call_ids(steps: Sequence[TraceStep], texts: Mapping[str, str]) -> tuple[TraceStep, ...]:
    """The steps, with the ids of the model's calls on the tool steps that lack one.

    Args:
        steps: of one run, in order.
        texts: digest to text.
    """
    asked_for = {part.call_id for step in steps for part in _calls(step)}
    handed = [_handed(step, texts, asked_for) for step in steps]
    known = {step.call_id for step in handed if step.kind is StepKind.TOOL_CALL}
    open_calls: list[tuple[str, str, Any]] = []
    found: list[TraceStep] = []
    for step in handed:
        for part in _calls(step):
            if part.call_id is not None and part.call_id not in known:
                known.add(part.call_id)
                del open_calls[:-MOST_OPEN]
                open_calls.append((part.call_id, part.name or "", _parsed(texts.get(part.text) or "{}")))
        if step.kind is StepKind.TOOL_CALL and step.call_id is None:
            step = _answered(step, texts, open_calls)
        found.append(step)
    return tuple(found)


def _calls(step: TraceStep) -> Iterator[Part]:
    """What a model's reply asks for by id."""
    if step.kind is StepKind.MODEL_CALL:
        yield from (part for part in step.output if part.kind == "tool_call" and part.call_id)


def _handed(step: TraceStep, texts: Mapping[str, str], asked_for: set[str | None]) -> TraceStep:
    """The step with the id that it tells, or of the one call that its arguments or its result name, if it was asked."""
    if step.kind is not StepKind.TOOL_CALL:
        return step
    if step.call_id is not None:
        return step if any(part.call_id for part in (*step.input, *step.output)) else _marked(step, step.call_id)
    ids = {texts.get(part.text) for part in step.input if part.name in CALL_ID_NAMES} & asked_for
    ids = (
        ids
        or {
            call_id_of(call)
            for part in step.input
            for value in [_parsed(texts.get(part.text, ""))]
            for call in (objects(value) if isinstance(value, list) else [mapping(value)])
            if any(key in call for key in GIVEN)
        }
        & asked_for
    )
    ids = (
        ids
        or {
            name_of(message.get("tool_call_id"))
            for part in step.output
            for value in [mapping(_parsed(texts.get(part.text, "")))]
            for message in (value, mapping(value.get("data")), mapping(value.get("kwargs")))
        }
        & asked_for
    )
    return _marked(step, ids.pop() or "") if len(ids) == 1 else step


def _answered(step: TraceStep, texts: Mapping[str, str], calls: list[tuple[str, str, Any]]) -> TraceStep:
    """The step with the id of the first open call that it fits, which is closed by it."""
    if not calls:
        return step
    given = _given(step, texts)
    fitting = [call for call in calls if _fits(given, call[2])]
    named = [call for call in fitting if _same_name(step.name, call[1])]
    # A function that runs every tool has a name of its own: then the arguments must leave no doubt.
    if not named and not (len(fitting) == 1 and fitting[0][2]):
        return step
    call = max(named or fitting, key=lambda one: len(one[2]))  # the first of those that say the most
    calls.remove(call)
    step = _marked(step, call[0])
    return step.model_copy(update={"attributes": {**step.attributes, "call_id_by": DERIVED}})


def _marked(step: TraceStep, call_id: str) -> TraceStep:
    def marked(parts: Iterable[Part]) -> tuple[Part, ...]:
        return tuple(part.model_copy(update={"call_id": call_id}) for part in parts)

    return step.model_copy(update={"input": marked(step.input), "output": marked(step.output)})


def _same_name(step: str, call: str) -> bool:
    return bool(call) and step.rpartition(".")[2].strip("_") == call.rpartition(".")[2].strip("_")


def _given(step: TraceStep, texts: Mapping[str, str]) -> dict[str, Any]:
    """What the tool was given, by name; a whole object of arguments is taken apart."""
    given: dict[str, Any] = {}
    for part in step.input:
        value = _parsed(texts.get(part.text, ""))
        if isinstance(value, dict):
            given |= value
        given[part.name or ""] = value
    return given


def _fits(given: Mapping[str, Any], asked: Any) -> bool:
    """Whether everything that the model asked for is among what the tool was given."""
    if isinstance(asked, str):
        return bool(asked) and asked in given.values()
    if not isinstance(asked, dict):
        return False
    # A tool of one argument may be given its value alone.
    alone = len(asked) == len(given) == 1 and str(*given.values()) == str(*asked.values())
    return alone or all(str(given.get(name)) == str(value) for name, value in asked.items())


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
