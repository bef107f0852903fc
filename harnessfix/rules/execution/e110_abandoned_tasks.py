"""E110: one of several tasks fails, and the others go on with nobody waiting for them."""

from collections.abc import Iterable, Sequence

from harnessfix.rules._errors import frames_of, short_type
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules._own import nearest_own
from harnessfix.rules._query import as_anchor, events, hazards, names, one_of_each, quote
from harnessfix.rules.base import Example, Finding
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Property, Severity

_BAD = """\
import asyncio


class Team:
    def __init__(self, workers):
        self.workers = workers

    async def answer(self, task):
        drafts = await asyncio.gather(*(worker.draft(task) for worker in self.workers))
        return max(drafts, key=len)
"""
_GOOD = """\
import asyncio


class Team:
    def __init__(self, workers):
        self.workers = workers

    async def answer(self, task):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(worker.draft(task)) for worker in self.workers]
        return max((task.result() for task in tasks), key=len)
"""


class AbandonedTasks(HazardRule):
    code = "E110"
    name = "abandoned-tasks"
    keeps = Property.CLEANUP
    severity = Severity.INFO
    summary = "A step ends in a failure, and tasks that it began run on unowned."
    why = (
        "`asyncio.gather` hands on the first failure and leaves the rest running: tools still act, requests are still "
        "paid for, guards still judge, after the step that started them has ended and perhaps been tried again."
    )
    fix = (
        "Use a task group, or make tasks of them and, in a `try`, cancel those that are left and wait for them before "
        "the failure goes on. With `return_exceptions=True` look at every result."
    )
    references = (
        "https://github.com/openai/openai-agents-python/pull/4185",
        "https://docs.python.org/3/library/asyncio-task.html#asyncio.gather",
    )
    operator = "cancel-siblings"
    hazard = "abandoned-siblings"
    clone = (ElementRole.HAZARD, "abandoned-siblings")
    confidence = 0.45
    reason = "gathers, and cancels nothing"
    on_failure = True
    bad = Example(files={"team.py": _BAD})
    good = Example(files={"team.py": _GOOD})

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Steps that an exception ended while tasks that had begun in them went on."""
        ended = [step for step in run.with_event("tasks_alive") if step.error is not None]
        gathers = list(hazards(model, self.hazard)) if ended else []
        spoken: set[str] = set()
        for step in ended:
            left = events(step, "tasks_alive")
            went = names(left[0].attributes.get("functions")) or names(left[0].attributes.get("names"))
            passed = {(frame.path, frame.line) for frame in frames_of(step)}
            through = [e for e in gathers if any((e.anchor.path, line) in passed for line in _lines(e))]
            blamed = through or _starters(step, model, went)
            if not blamed and not any(_is_own(model, name) for name in went):
                continue  # a library below the harness began them
            anchors = one_of_each([*(as_anchor(e, self.reason) for e in blamed), *nearest_own(run, step)])
            if not anchors or anchors[0].place in spoken:
                continue
            spoken.add(anchors[0].place)
            yield Finding(
                f"{short_type(step.error)} ended {step.name} ({step.id}) and {len(went)} of the tasks that it had "
                f"begun went on: {quote(', '.join(went), 80)}.",
                anchors,
                responsible_step=step.id,
                symptom_step=step.id,
                path=[step.id],
                confidence=0.9,
                severity=Severity.WARNING,  # what ended the step matters more than what it left
                operator=None if through else "",
                key=through[0].id.partition("#")[2] if through else "",
            )

    def words(self, element: Element) -> str:
        return (
            f"`gather` at {element.anchor.place} cancels nothing: when one of its tasks fails, the others go on after "
            f"{element.anchor.qualname} has ended."
        )


def _is_own(model: HarnessModel, name: str) -> bool:
    """Whether the harness has or calls a function of that name; of a task's own name nobody can tell."""
    name = name.replace("<locals>.", "")
    known = name.isidentifier() or "." in name
    if not known or any(model.calls_named(name.rpartition(".")[2])):
        return True
    return any(f".{each.anchor.qualname}".endswith(f".{name}") for each in model.of_role(ElementRole.FUNCTION))


def _starters(step: TraceStep, model: HarnessModel, left: Sequence[str]) -> list[Element]:
    """Functions that call what was left running and that the failure came through; else the only one that calls it."""
    last = {name.rpartition(".")[2] for name in left}
    callers = dict.fromkeys(call.caller for call in model.calls_named(*last))
    failed = {(frame.path, frame.function.rpartition(".")[2]) for frame in frames_of(step)}
    found = [model.function(path, name) for path, _, name in (caller.partition(":") for caller in callers)]
    functions = [function for function in found if function is not None]
    through = [e for e in functions if (e.anchor.path, e.anchor.qualname.rpartition(".")[2]) in failed]
    return through or (functions if len(functions) == 1 else [])


def _lines(element: Element) -> range:
    return range(element.anchor.start_line, element.anchor.end_line + 1)
