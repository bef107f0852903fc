"""Order and clocks: steps in order of start, and a note where the times contradict the tree."""

import itertools

from harnessfix_ir.steps import TraceStep


def sort_by_start(steps: list[TraceStep], incomplete: list[str]) -> list[TraceStep]:
    """Steps in order of start where all times are known and agree with the tree, else as they were given."""
    times = [step.started_ns for step in steps if step.started_ns is not None]
    if len(times) != len(steps) or all(a <= b for a, b in itertools.pairwise(times)):
        return steps
    began = {step.id: step.started_ns for step in steps}
    if any(step.parent is not None and _before(step.started_ns, began[step.parent]) for step in steps):
        incomplete.append("steps are not in order of start and their clocks disagree; the order given is kept")
        return steps
    incomplete.append("steps were not in order of start; they were sorted by time")
    return sorted(steps, key=lambda step: step.started_ns or 0)


def note_clock_trouble(steps: list[TraceStep]) -> list[TraceStep]:
    """Write down where a step ends before it begins, or begins before the step it happened in."""
    by_id = {step.id: step for step in steps}
    noted = []
    for step in steps:
        notes = []
        if _before(step.ended_ns, step.started_ns):
            notes.append("clock: it ends before it begins")
        parent = by_id.get(step.parent) if step.parent is not None else None
        if parent is not None and _before(step.started_ns, parent.started_ns):
            notes.append(f"clock: it begins before {parent.id}, in which it happened")
        if notes:
            step = step.model_copy(update={"missing": tuple(dict.fromkeys((*step.missing, *notes)))})
        noted.append(step)
    return noted


def _before(earlier: int | None, later: int | None) -> bool:
    return earlier is not None and later is not None and earlier < later
