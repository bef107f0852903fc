"""Which call of the model a tool's step answers, where the harness hands its tools no id: by name, arguments and order.

A model's reply asks for tools by id; the function that does the work mostly gets the arguments alone. What is found
here is derived, and `attributes["call_id"]` says so.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import StepKind

MOST_OPEN = 200
DERIVED = "derived from name, arguments and order"


def with_call_ids(steps: Sequence[TraceStep], texts: Mapping[str, str]) -> tuple[TraceStep, ...]:
    """The steps, with the ids of the model's calls on the tool steps that lack one.

    Args:
        steps: of one run, in order.
        texts: digest to text.
    """
    known = {part.call_id for step in steps if step.kind is StepKind.TOOL_CALL for part in step.input if part.call_id}
    open_calls: list[tuple[str, str, Any]] = []
    seen: set[str] = set()
    found: list[TraceStep] = []
    for step in steps:
        if step.kind is StepKind.MODEL_CALL:
            for part in step.output:
                if part.kind == "tool_call" and part.call_id and part.call_id not in known | seen:
                    seen.add(part.call_id)
                    del open_calls[:-MOST_OPEN]
                    open_calls.append((part.call_id, part.name or "", _parsed(texts.get(part.text, ""))))
        elif step.kind is StepKind.TOOL_CALL and not _has_id(step):
            step = _answered(step, texts, open_calls)
        found.append(step)
    return tuple(found)


def _answered(step: TraceStep, texts: Mapping[str, str], calls: list[tuple[str, str, Any]]) -> TraceStep:
    """The step with the id of the first open call that it fits, which is closed by it."""
    given = _given(step, texts)
    fitting = [call for call in calls if _fits(given, call[2])]
    named = [call for call in fitting if _same_name(step.name, call[1])]
    # A function that runs every tool has a name of its own: then the arguments must leave no doubt.
    if not named and not (len(fitting) == 1 and fitting[0][2]):
        return step
    call = (named or fitting)[0]
    calls.remove(call)

    def marked(parts: Iterable[Part]) -> tuple[Part, ...]:
        return tuple(part.model_copy(update={"call_id": call[0]}) for part in parts)

    attributes = {**step.attributes, "call_id": DERIVED}
    return step.model_copy(
        update={"input": marked(step.input), "output": marked(step.output), "attributes": attributes}
    )


def _has_id(step: TraceStep) -> bool:
    return any(part.call_id for part in (*step.input, *step.output))


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
    if not isinstance(asked, dict):
        return False
    return all(str(given.get(name)) == str(value) for name, value in asked.items())


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
