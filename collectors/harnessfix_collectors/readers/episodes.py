"""Which steps of a recorded program are one run: an agent's episode, and what led up to it.

Two agents that a program runs one after another are two runs. A framework whose loop is a graph calls a function anew
for each turn: there a task that goes on where the one before it stopped, with answers to the tools that it had asked
for, belongs to the same run.
"""

from collections.abc import Iterator, Sequence

from harnessfix_collectors.probe.draft import Draft
from harnessfix_ir.steps import Part
from harnessfix_ir.vocabulary import StepKind

ANSWERING = frozenset(("assistant", "tool"))


def episodes(drafts: Sequence[Draft]) -> list[list[Draft]]:
    """Drafts by the agent episode they belong to, each in order of start."""
    ordered = sorted(drafts, key=lambda draft: draft.order)
    known = {draft.key: draft.order for draft in ordered}
    for draft in ordered:  # what a step happens in began before it; a file that says otherwise may go round in circles
        if draft.up is not None and (draft.up not in known or known[draft.up] >= draft.order):
            draft.up = None
    roots = [draft for draft in ordered if draft.up is None]
    tasks = [root for root in roots if root.kind is StepKind.TASK]
    if len(tasks) < 2:
        return [ordered]
    number = list(_numbers(tasks, ordered))
    episode: dict[str, int] = {}
    place = 0
    for root in roots:
        while place < len(tasks) - 1 and tasks[place].order < root.order:
            place += 1
        episode[root.key] = number[place]
    for draft in ordered:
        if draft.key not in episode and draft.up is not None:
            episode[draft.key] = episode.get(draft.up, 0)
    groups: list[list[Draft]] = [[] for _ in range(number[-1] + 1)]
    for draft in ordered:
        groups[episode[draft.key]].append(draft)
    return groups


def _numbers(tasks: Sequence[Draft], ordered: Sequence[Draft]) -> Iterator[int]:
    """The episode of each outermost task, from 0."""
    task_of: dict[str, str] = {task.key: task.key for task in tasks}
    requests: dict[str, list[Draft]] = {}
    for draft in ordered:
        if draft.up in task_of:
            task_of[draft.key] = task_of[draft.up]
        if draft.kind is StepKind.MODEL_CALL and draft.input and draft.key in task_of:
            requests.setdefault(task_of[draft.key], []).append(draft)
    number, last = 0, None
    for at, task in enumerate(tasks):
        asked = requests.get(task.key)
        if at and not (asked and last and _goes_on(last, asked[0])):
            number += 1
        yield number
        last = asked[-1] if asked else None


def _goes_on(before: Draft, after: Draft) -> bool:
    """Whether a request begins with an earlier one and adds nothing but what its tools answered."""
    held = len(before.input)
    added = after.input[held:]
    asked_tools = any(part.kind == "tool_call" for part in before.output)
    answered = any(part.role == "tool" for part in added) and all(part.role in ANSWERING for part in added)
    return asked_tools and answered and all(map(_same, before.input, after.input))


def _same(one: Part, two: Part) -> bool:
    return (one.role, one.kind, one.text) == (two.role, two.kind, two.text)
