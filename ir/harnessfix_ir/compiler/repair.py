"""Repair of a recording's structure: every step reachable, every citation resolved, every trouble on record.

Collectors hand on what they received, and what they received may be broken: ids used twice, parents that are
missing or go round in a circle, clocks that disagree, parts whose text was lost. The compiler must neither stop at
such a run nor draw wrong links from it, so this stage makes the steps a forest with resolved texts and writes down,
in `TraceStep.missing` and `Htir.incomplete`, what it had to assume.
"""

from collections import Counter
from dataclasses import dataclass

from harnessfix_ir.document import JsonValue
from harnessfix_ir.prefix import common_prefix
from harnessfix_ir.recording import Recording
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.texts import digest

from .skew import note_clock_trouble, sort_by_start

DEEPEST_ATTRIBUTE = 100


@dataclass
class Repaired:
    """The steps of a run in order of start, the texts they cite, and the troubles of the run as a whole."""

    steps: list[TraceStep]
    texts: dict[str, str]
    incomplete: list[str]


def repair(recording: Recording) -> Repaired:
    """Make a recording's steps a forest with unique ids and resolved texts. Never raises on a valid document."""
    incomplete = list(recording.incomplete)
    steps, shared = _unique_ids(recording.steps, incomplete)
    steps = _resolved_parents(steps, shared, incomplete)
    steps = sort_by_start(steps, incomplete)
    steps = note_clock_trouble(steps)
    texts = dict(recording.texts)
    steps = _resolved_texts([_bounded_attributes(step) for step in steps], texts)
    return Repaired(steps, texts, incomplete)


def with_notes(step: TraceStep, *notes: str) -> TraceStep:
    """The step with more notes in `missing`, none twice."""
    return step.model_copy(update={"missing": tuple(dict.fromkeys((*step.missing, *notes)))})


def _unique_ids(given: tuple[TraceStep, ...], incomplete: list[str]) -> tuple[list[TraceStep], set[str]]:
    """Drop exact repetitions, rename other steps that share an id. Returns the steps and the ids that were shared."""
    counts = Counter(step.id for step in given)
    if len(counts) == len(given) and "" not in counts:
        return list(given), set()
    taken: dict[str, TraceStep] = {}
    steps: list[TraceStep] = []
    shared: set[str] = set()
    for step in given:
        first = taken.get(step.id)
        if first is not None and first == step:
            incomplete.append(f"step {step.id} was recorded more than once; one is kept")
            continue
        if first is not None or not step.id:
            new_id = _free_id(step.id or "unnamed", taken, counts)
            incomplete.append(f"two steps have the id {step.id!r}; the later is called {new_id}")
            if step.id:
                shared.add(step.id)
            step = with_notes(step.model_copy(update={"id": new_id}), f"its own id, {step.id!r}, is not unique")
        taken[step.id] = step
        steps.append(step)
    return steps, shared


def _free_id(wanted: str, taken: dict[str, TraceStep], given: Counter[str]) -> str:
    number = 2
    while f"{wanted}~{number}" in taken or f"{wanted}~{number}" in given:
        number += 1
    return f"{wanted}~{number}"


def _resolved_parents(steps: list[TraceStep], shared: set[str], incomplete: list[str]) -> list[TraceStep]:
    index = {step.id: position for position, step in enumerate(steps)}
    lost = [step.id for step in steps if step.parent is not None and step.parent not in index]
    cut = _cycle_breakers(steps, index)
    if not (lost or cut or shared):
        return steps
    if lost:
        steps_name = "1 step names" if len(lost) == 1 else f"{len(lost)} steps name"
        incomplete.append(f"{steps_name} a parent that was not recorded (first: {lost[0]})")
    if cut:
        circles = "1 circle of parents was" if len(cut) == 1 else f"{len(cut)} circles of parents were"
        incomplete.append(f"{circles} cut (first: {steps[min(cut)].id})")
    repaired = []
    for position, step in enumerate(steps):
        if step.parent is not None and step.parent not in index:
            step = with_notes(step.model_copy(update={"parent": None}), f"its parent {step.parent} was not recorded")
        elif position in cut:
            step = with_notes(step.model_copy(update={"parent": None}), f"its parent {step.parent} lies inside it")
        elif step.parent in shared:
            step = with_notes(step, f"its parent's id {step.parent} is not unique; the first step of that id is taken")
        repaired.append(step)
    return repaired


def _cycle_breakers(steps: list[TraceStep], index: dict[str, int]) -> set[int]:
    """The first step of every circle of parents; cutting these makes the steps a forest."""
    done = bytearray(len(steps))
    breakers: set[int] = set()
    for start in range(len(steps)):
        path: list[int] = []
        on_path: dict[int, int] = {}
        at: int | None = start
        while at is not None and not done[at]:
            if at in on_path:
                breakers.add(min(path[on_path[at] :]))
                break
            on_path[at] = len(path)
            path.append(at)
            parent = steps[at].parent
            at = None if parent is None else index.get(parent)
        for visited in path:
            done[visited] = 1
    return breakers


def _resolved_texts(steps: list[TraceStep], texts: dict[str, str]) -> list[TraceStep]:
    """Let parts whose text is not held cite the empty text, and say so. What an input resends is looked at once."""
    resolved = []
    checked: tuple[Part, ...] = ()
    for step in steps:
        known = common_prefix(checked, step.input)
        lost = any(part.text not in texts for part in step.input[known:] + step.output)
        resolved.append(_with_empty_texts(step, texts) if lost else step)
        if not lost and len(step.input) > 1:
            checked = step.input
    return resolved


def _with_empty_texts(step: TraceStep, texts: dict[str, str]) -> TraceStep:
    notes: list[str] = []
    update = {
        "input": _with_held_texts(step.input, "input", texts, notes),
        "output": _with_held_texts(step.output, "output", texts, notes),
    }
    return with_notes(step.model_copy(update=update), *notes)


def _with_held_texts(parts: tuple[Part, ...], side: str, texts: dict[str, str], notes: list[str]) -> tuple[Part, ...]:
    resolved = []
    for number, part in enumerate(parts):
        if part.text not in texts:
            empty = digest("")
            texts.setdefault(empty, "")
            notes.append(f"{side} part {number}: its text ({part.text[:40]}) was not recorded")
            part = part.model_copy(update={"text": empty})
        resolved.append(part)
    return tuple(resolved)


def _bounded_attributes(step: TraceStep) -> TraceStep:
    """Replace attribute values nested deeper than any reader of JSON can follow."""
    deep = [name for name, value in step.attributes.items() if _too_deep(value)]
    if not deep:
        return step
    kept = {name: value for name, value in step.attributes.items() if name not in deep}
    notes = [f"attribute {name!r} is nested deeper than {DEEPEST_ATTRIBUTE} levels and is left out" for name in deep]
    return with_notes(step.model_copy(update={"attributes": kept}), *notes)


def _too_deep(value: JsonValue) -> bool:
    level: list[JsonValue] = [value]
    for _ in range(DEEPEST_ATTRIBUTE):
        below: list[JsonValue] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return False
        level = below
    return True
