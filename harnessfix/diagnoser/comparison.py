"""What a failed run did otherwise than the nearest passed run of the same task.

Steps are compared by signatures: what sort of step, of which code, and how it ended. The common beginning is walked in
step; the rest is compared as bags, so everything is linear in the number of steps.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from harnessfix.rules._errors import short_type
from harnessfix.rules._query import quote
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import StepKind

MOST_ONLY = 4
# What differs from run to run without meaning anything: ids, times, temporary folders, addresses.
_VOLATILE = re.compile(
    r"0x[0-9a-f]{6,}|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{16,}\b|"
    r"(?:/private)?(?:/tmp|/var/folders)/[^\s'\"/]+(?:/[^\s'\"/]+)?|127\.0\.0\.1:\d+|"
    r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?|\b\d+\.\d{3,}\b|\bcall_\w+",
    re.IGNORECASE,
)

Signature = tuple[str, ...]


class Difference(StrEnum):
    """How two runs part."""

    CONTEXT = "context"
    REPLY = "reply"
    RESULT = "result"
    CONTROL = "control"
    END = "end"


@dataclass(frozen=True)
class Comparison:
    """Where two runs part.

    Args:
        other: id of the passed run.
        alike: number of steps at the beginning that are the same.
        difference: in what they part first; None when they never do.
        here, there: the steps where they part; None where one had ended.
        words: that, for people.
        only_here, only_there: kinds of step that one run had more of after that, each with its number.
    """

    other: str
    alike: int
    difference: Difference | None
    here: str | None
    there: str | None
    words: str
    only_here: tuple[tuple[str, int], ...] = ()
    only_there: tuple[tuple[str, int], ...] = ()


def nearest(run: Htir, others: Iterable[Htir]) -> Htir | None:
    """The run that goes along with `run` for longest; of equal ones the one with most steps of the same kinds."""
    mine = [signature(step) for step in run.steps]
    bag = Counter(mine)
    best, best_key = None, (-1, -1)
    for other in others:
        theirs = [signature(step) for step in other.steps]
        key = (_common(mine, theirs), sum((bag & Counter(theirs)).values()))
        if key > best_key:
            best, best_key = other, key
    return best


def compare(run: Htir, other: Htir) -> Comparison:
    """Where `run` parts from `other`, and what it did more or less of from there on."""
    alike = 0
    for mine, theirs in zip(run.steps, other.steps):
        found = _parting(run, mine, other, theirs)
        if found is not None:
            difference, words = found
            return _made(run, other, alike, difference, words)
        alike += 1
    if len(run.steps) == len(other.steps):
        return Comparison(other.run.id, alike, None, None, None, "every step is the same in both")
    longer, step = (run, run.steps[alike]) if len(run.steps) > alike else (other, other.steps[alike])
    which = "the passed run" if longer is run else "this run"
    words = f"{which} ends there; the other goes on with {step.kind.value} {step.name}"
    return _made(run, other, alike, Difference.END, words)


def _made(run: Htir, other: Htir, alike: int, difference: Difference, words: str) -> Comparison:
    mine, theirs = (Counter(map(signature, each.steps[alike:])) for each in (run, other))
    return Comparison(
        other=other.run.id,
        alike=alike,
        difference=difference,
        here=run.steps[alike].id if alike < len(run.steps) else None,
        there=other.steps[alike].id if alike < len(other.steps) else None,
        words=words,
        only_here=_most(mine - theirs),
        only_there=_most(theirs - mine),
    )


def _most(bag: "Counter[Signature]") -> tuple[tuple[str, int], ...]:
    return tuple((" ".join(part for part in kind if part), count) for kind, count in bag.most_common(MOST_ONLY))


def signature(step: TraceStep) -> Signature:
    """What sort of step it is, of which code, and how it ended; nothing that differs between runs of one program."""
    name = step.name if step.kind is not StepKind.MODEL_CALL else ""
    return step.kind.value, name, short_type(step.error)


def _common(mine: list[Signature], theirs: list[Signature]) -> int:
    return next((n for n, (one, two) in enumerate(zip(mine, theirs)) if one != two), min(len(mine), len(theirs)))


def _parting(run: Htir, mine: TraceStep, other: Htir, theirs: TraceStep) -> tuple[Difference, str] | None:
    if signature(mine)[:2] != signature(theirs)[:2]:
        return Difference.CONTROL, f"here {_named(mine)}, there {_named(theirs)}"
    if mine.kind is StepKind.MODEL_CALL:
        shown = _texts(run, mine.input, other, theirs.input)
        if shown:
            return Difference.CONTEXT, f"the model was shown something else: {shown}"
        said = _texts(run, mine.output, other, theirs.output)
        if said:
            return Difference.REPLY, f"shown the same, the model answered otherwise: {said}"
    if mine.kind in (StepKind.TASK, StepKind.MODEL_CALL):
        return None  # what a whole task gave is known by its parts
    if short_type(mine.error) != short_type(theirs.error):
        ended = [f"with {short_type(step.error)}" if step.error else "without error" for step in (mine, theirs)]
        return Difference.RESULT, f"{mine.name} ended {ended[0]} here and {ended[1]} there"
    given = _texts(run, mine.output, other, theirs.output)
    if given and not _texts(run, mine.input, other, theirs.input):
        return Difference.RESULT, f"given the same, {mine.name} answered otherwise: {given}"
    return None


def _named(step: TraceStep) -> str:
    error = f" ended by {short_type(step.error)}" if step.error is not None and step.kind is not StepKind.ERROR else ""
    return f"{step.kind.value} {step.name}{error}"


def _texts(run: Htir, mine: tuple[Part, ...], other: Htir, theirs: tuple[Part, ...]) -> str:
    """How two lists of parts differ, in words; empty when they do not."""
    for number, (one, two) in enumerate(zip(mine, theirs)):
        if one.text == two.text and one.name == two.name:
            continue
        said, heard = (_VOLATILE.sub("~", each.text(part)) for each, part in ((run, one), (other, two)))
        if one.name != two.name or said != heard:
            at = next((n for n, (a, b) in enumerate(zip(said, heard)) if a != b), min(len(said), len(heard)))
            around = slice(max(0, at - 20), at + 60)
            names = [f"{part.name} " if part.kind == "tool_call" else "" for part in (one, two)]
            here, there = quote(said[around], 80), quote(heard[around], 80)
            return f"in part {number}, here {names[0]}{here!r}, there {names[1]}{there!r}"
    if len(mine) != len(theirs):
        return f"{len(mine)} parts here, {len(theirs)} there"
    return ""
