"""Exceptions in a run: who raised them, who took them, and whether they ended it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, TraceStep
from harnessfix_ir.vocabulary import ElementRole, LinkKind, Status, StepKind

from ._once import once
from ._query import ancestors, step_elements

SLIPS = frozenset({"TypeError", "KeyError", "IndexError", "AttributeError", "UnboundLocalError", "NameError"})
"""What Python says of code that took something for granted."""


def short_type(error: ErrorInfo | None) -> str:
    """Class name without its module, empty when there is no error."""
    return "" if error is None else error.type.rpartition(".")[2]


_GIVEN_UP = frozenset({"GeneratorExit", "CancelledError"})
LONGEST_NUMBER = 9  # digits; Python refuses to read thousands of them


class Frame(NamedTuple):
    """One line of a recorded traceback, `PATH:LINE in NAME`; a line that says none has no number."""

    path: str
    line: int | None
    function: str


def frames_of(step: TraceStep) -> list[Frame]:
    """The frames that the step's exception came through, outermost first."""
    found = []
    for told in step.error.traceback.splitlines() if step.error is not None else ():
        place, _, function = told.partition(" in ")
        path, _, line = place.rpartition(":")
        is_number = line.isdecimal() and len(line) <= LONGEST_NUMBER
        found.append(Frame(path, int(line) if is_number else None, function))
    return found


def type_of(step: TraceStep) -> str:
    """Class name of the exception that an error step is about, by its name where the step holds no more."""
    return short_type(step.error) or step.name.partition(" ")[2]


def chain(error: ErrorInfo | None) -> Iterator[ErrorInfo]:
    """The error and those it was raised from, outermost first."""
    for _ in range(32):
        if error is None:
            return
        yield error
        error = error.cause


def raised(run: Htir, *types: str) -> Iterator[TraceStep]:
    """Error steps that say where an exception was raised, of these class names (all when none given)."""
    for step in run.of_kind(StepKind.ERROR):
        if step.name.startswith("raise") and (not types or short_type(step.error) in types):
            yield step


def is_raised(model: HarnessModel, step: TraceStep) -> bool:
    """Whether a `raise` of the harness is where an exception arose, and not a line that Python complained of."""
    return any(step_elements(model, step, ElementRole.RAISE))


def handlings(run: Htir) -> Iterator[tuple[TraceStep, TraceStep]]:
    """Pairs (where it was raised, where an `except` clause took it), in order of the clause."""
    for step in run.of_kind(StepKind.ERROR):
        if step.name.startswith("except"):
            sources = run.links_to(step.id, LinkKind.HANDLED_BY)
            yield (run.step(sources[0].source) if sources else step), step


def handler_element(model: HarnessModel, step: TraceStep) -> Element | None:
    """The `except` clause that a handling step entered."""
    return next(step_elements(model, step, ElementRole.HANDLER), None)


def best_told(run: Htir, step: TraceStep) -> TraceStep:
    """Of the like exceptions from one place the one that is known to have come through most functions."""
    return _fullest(run).get(_sort_of(step), step)


@once
def _fullest(run: Htir) -> dict[object, TraceStep]:
    found: dict[object, TraceStep] = {}
    for step in raised(run):
        known = found.setdefault(_sort_of(step), step)
        if _length(step) > _length(known):
            found[_sort_of(step)] = step
    return found


def _sort_of(step: TraceStep) -> object:
    return step.anchors, *(("", "") if step.error is None else (step.error.type, step.error.message))


def _length(step: TraceStep) -> int:
    return 0 if step.error is None else step.error.traceback.count("\n")


def is_taken_afar(run: Htir, model: HarnessModel, step: TraceStep) -> bool:
    """Whether a clause for any exception, in another file than the one it was raised in, took it: nobody expected it.

    What arises and is taken in one file may be that file's way to run code that is not its own.
    """
    for link in run.links_from(step.id, LinkKind.HANDLED_BY):
        clause = handler_element(model, run.step(link.target))
        if clause is not None and step.anchors and clause.anchor.path != step.anchors[0].path:
            return clause.value("broad") is True
    return False


def same_error(one: ErrorInfo | None, other: ErrorInfo | None) -> bool:
    """Whether `one` is `other` or was raised from it."""
    return other is not None and any(e.type == other.type and e.message == other.message for e in chain(one))


def escaped_to(run: Htir, step: TraceStep) -> TraceStep | None:
    """The outermost step that an exception ended, itself where it left the harness and no step was around.

    None when something inside the harness contained it.

    Args:
        run: the run.
        step: where it was raised.
    """
    outermost = None
    for outer in ancestors(run, step):
        if _was_closed(outer):
            continue
        if outer.status is Status.OK or (outer.error is not None and not same_error(outer.error, step.error)):
            return None
        outermost = outer
    if outermost is None and step.attributes.get("left_harness") and not run.links_from(step.id, LinkKind.HANDLED_BY):
        return step
    return outermost


def _was_closed(step: TraceStep) -> bool:
    """Whether it was given up by who read it or waited for it, whatever it failed with on that: it ended nothing."""
    return any(short_type(error) in _GIVEN_UP for error in chain(step.error))


_ERROR_LINE = re.compile(
    r"^[^\n]{0,300}?"
    r"(?:\b[A-Za-z_.]*(?:Error|Exception)\b|\b(?:FAILED|FATAL|fatal|error|ERROR|panic)\b[: \t])"
    r"[^\n]{0,300}",
    re.MULTILINE,
)


def error_lines(text: str, limit: int = 20) -> list[str]:
    """Lines of `text` that report an error, at most `limit` of them."""
    found = []
    for match in _ERROR_LINE.finditer(text):
        found.append(match.group().strip())
        if len(found) == limit:
            break
    return found
