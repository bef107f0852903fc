"""E121: what was meant for one call is written into the caller's object, and holds for the next call too."""

from collections.abc import Mapping

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules._query import names
from harnessfix.rules.base import Example
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_RUNNER = """\
from copy import copy


class Runner:
    def __init__(self, agent):
        self.agent = agent

    def run_jobs(self, jobs, options):
        replies = []
        for job in jobs:
            task = job.task
            if options.max_turns is not None:
                task.max_turns = options.max_turns
            if options.temperature is not None:
                task.temperature = options.temperature
            if options.model is not None:
                task.model = options.model
            replies.append(self.agent.run(task))
        return replies
"""


class KeptOverride(HazardRule):
    code = "E121"
    name = "kept-override"
    keeps = Property.ISOLATION
    severity = Severity.WARNING
    summary = "Options of one call are written into the task, agent or settings that the call was handed."
    why = (
        "The caller made the object once and uses it for many runs. What one run was told to do differently, another "
        "limit, another model, stays in it: the next run, told nothing, does it too, and two runs at a time take each "
        "other's."
    )
    fix = "Write into a copy that this call makes, or hand the resolved options on beside the object."
    references = (
        "https://docs.python.org/3/library/copy.html#copy.replace",
        "https://github.com/UKGovernmentBEIS/inspect_ai/pull/4956",
    )
    operator = "copy-first"
    hazard = "kept-override"
    confidence = 0.6
    reason = "writes into what it was handed"
    bad = Example(files={"runner.py": _RUNNER})
    good = edited(bad, "runner.py", ("            task = job.task\n", "            task = copy(job.task)\n"))

    def parameters(self, element: Element) -> Mapping[str, JsonValue]:
        return {"name": element.value("into")}

    def words(self, element: Element) -> str:
        settings = list(dict.fromkeys(names(element.value("settings"))))
        shown = ", ".join(f"`{name}`" for name in settings[:4])
        return (
            f"{element.anchor.qualname} writes {shown} into `{element.value('into')}` from {element.anchor.place} on, "
            "which its caller handed it and uses again: the next call finds them there."
        )
