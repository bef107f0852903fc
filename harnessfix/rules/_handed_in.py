"""What a run handed in as its result, and the texts inside recorded values."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import StepKind

from ._once import once
from ._signals import is_signal

RESULT_NAMES = frozenset(
    {
        "answer",
        "content",
        "final_answer",
        "final_output",
        "output",
        "patch",
        "prediction",
        "response",
        "result",
        "submission",
        "text",
    }
)
_RESULT_FIELDS = RESULT_NAMES - {"content", "text", "response"}  # deep in a record those name messages
_DEPTH = 12
_MOST_CHARS = 200_000
_RESULT = re.compile(r"submission|submitted|answer|result|patch|final", re.IGNORECASE)


@dataclass(frozen=True)
class HandedIn:
    """A text that a step gave out as the result, and the step."""

    step: TraceStep
    text: str


def leaves(text: str) -> Iterator[str]:
    """The strings inside a recorded value: of a JSON object or list all strings in it, else the text itself."""
    if text[:1] in '{["':
        try:
            yield from _strings(json.loads(text), _DEPTH)
        except (ValueError, RecursionError):
            yield text
    else:
        yield text


def _strings(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and depth:
        for name, inner in value.items():
            if not name.startswith("$"):  # what the recorder says of the value, not the value
                yield from _strings(inner, depth - 1)
    elif isinstance(value, list) and depth:
        for inner in value:
            yield from _strings(inner, depth - 1)


def submissions(run: Htir) -> Iterator[HandedIn]:
    """Texts that submit steps returned, or raised as the message of the signal that ends the run, in order."""
    for step in run.of_kind(StepKind.SUBMIT):
        for part in step.output:
            for text in leaves(run.text(part)):
                yield HandedIn(step, text)
        if step.error is not None and is_signal(step.error):
            for text in leaves(step.error.message):
                yield HandedIn(step, text)
    yield from _kept_results(run)


def _kept_results(run: Htir) -> Iterator[HandedIn]:
    """What an episode gave out under a name like `submission`, by the last step in it that hands in: a tool, say, that
    only keeps the text."""
    for episode in episodes(run):
        handing = [s for s in run.descendants(episode.id) if s.kind is not StepKind.SUBMIT and _hands_in(s)]
        for part in episode.output if handing else ():
            if _RESULT.search(part.name or ""):
                for text in leaves(run.text(part)):
                    yield HandedIn(handing[-1], text)


def _hands_in(step: TraceStep) -> bool:
    roles = step.attributes.get("roles")
    return isinstance(roles, list) and "submission" in roles and step.error is None


@once
def episodes(run: Htir) -> Sequence[TraceStep]:
    """Agent episodes that no other episode is around; the outermost steps of the run when there is none."""
    tasks = list(run.of_kind(StepKind.TASK))
    inner = {below.id for task in tasks for below in run.descendants(task.id)}
    return [task for task in tasks if task.id not in inner] or [s for s in run.steps if s.parent is None]


def results(run: Htir, step: TraceStep) -> list[str]:
    """What an episode gave back as its result: its value, or the fields of a record that are named like a result.

    Empty when it gave back nothing (`None`), or a record that has no such field.
    """
    named = [part for part in step.output if part.name]
    if named:
        return [text for part in named if (part.name or "").lower() in RESULT_NAMES for text in leaves(run.text(part))]
    return [text for part in step.output for text in leaves(run.text(part))]


def results_after(run: Htir, step: TraceStep) -> Iterator[HandedIn]:
    """Where a run shows no agent episode: texts after `step` under names of a result, and the steps that had them."""
    for later in run.steps[run.place(step.id) + 1 :]:
        for part in (*later.input, *later.output):
            text = run.text(part)
            if (part.name or "").lower() in RESULT_NAMES:
                yield from (HandedIn(later, leaf) for leaf in leaves(text))
            elif text[:1] in "{[" and len(text) < _MOST_CHARS:
                yield from (HandedIn(later, leaf) for leaf in _under_result_names(text))


def _under_result_names(text: str) -> Iterator[str]:
    try:
        pending = [(json.loads(text), _DEPTH)]
    except (ValueError, RecursionError):
        return
    while pending:
        value, depth = pending.pop()
        if isinstance(value, dict) and depth:
            for name, inner in value.items():
                if isinstance(inner, str) and name.lower() in _RESULT_FIELDS:
                    yield inner
                elif isinstance(inner, dict | list):
                    pending.append((inner, depth - 1))
        elif isinstance(value, list) and depth:
            pending.extend((inner, depth - 1) for inner in value if isinstance(inner, dict | list))
