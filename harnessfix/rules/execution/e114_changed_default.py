"""E114: a run changed what belongs to a class, or is a function's default, and so to every later run."""

import re
from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import nearest_own
from harnessfix.rules._query import as_anchor, events, hazards, one_of_each
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity

# What is meant to outlive a run.
_KEPT = re.compile(r"cache|registr|pool|known|seen|memo|intern|lock|handlers|plugins|_types$|warned", re.IGNORECASE)
_SHARED = {"parameter": "all calls", "class": "all objects of the class"}
_WHOSE = {"default": "the default of a parameter", "attribute": "an attribute of a class"}

_AGENT = """\
class Agent:
    headers = {"accept": "application/json"}

    def __init__(self, model):
        self.model = model

    def run(self, task, options=None):
        self.headers.update(options or {})
        messages = [{"role": "user", "content": f"{sorted(self.headers)} {task}"}]
        for _ in range(3):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"].endswith("."):
                return reply["content"]
            messages.append({"role": "user", "content": "Go on."})
"""
_MAIN = """\
from agent import Agent
from model import Model, say

print(Agent(Model(say("Done."))).run("Read the page.", {"authorization": "of the first user"}))
"""


class ChangedDefault(Rule):
    code = "E114"
    name = "changed-default"
    keeps = Property.ISOLATION
    severity = Severity.WARNING
    summary = "A run changed a container that a class or a parameter's default holds."
    why = (
        "A list or dictionary that is made with the class or the function is one for all runs and all agents of the "
        "process. What one run puts into it, settings, headers, tools, messages, is there for the next one."
    )
    fix = "Make the container where the run or the instance begins, or copy it before it is changed."
    references = (
        "https://docs.python.org/3/tutorial/classes.html#class-and-instance-variables",
        "https://github.com/pydantic/pydantic-ai/pull/1918",
    )
    operator = "isolate-run"
    yields_to = ("E104",)
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            "        self.headers.update(options or {})\n",
            "        self.headers = {**self.headers, **(options or {})}\n",
        ),
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Defaults of parameters and containers of classes that the source changes in place."""
        for element in hazards(model, "changed-default"):
            name, whose = element.value("name"), str(element.value("whose"))
            owner = _named(model, element.anchor.path, element.anchor.qualname)
            yield Finding(
                f"`{name}` is made once for {_SHARED[whose]}, and `{element.value('change')}` changes it in place: "
                "what one of them puts there is there for the next.",
                one_of_each(
                    [as_anchor(e, "holds what all share") for e in (owner, element) if e is not None],
                ),
                confidence=0.7,
                evidence=Evidence.DERIVED,
                key=str(name),
            )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Containers of classes and defaults that the outermost agent left with other content than it found."""
        for step in run.with_event("setting_changed"):
            for event in events(step, "setting_changed"):
                kind, what = str(event.attributes.get("kind")), str(event.attributes.get("what"))
                if kind not in _WHOSE or _KEPT.search(what):
                    continue
                owner = _owner(model, str(event.attributes.get("path")), what)
                where = [as_anchor(owner, "holds what every run shares")] if owner is not None else []
                anchors = one_of_each([*where, *nearest_own(run, step)])
                if not anchors:
                    continue
                yield Finding(
                    f"{step.name} ({step.id}) changed `{what}`, {_WHOSE[kind]}: every later run of this process starts "
                    "with what this one left in it.",
                    anchors,
                    responsible_step=step.id,
                    symptom_step=step.id,
                    path=[step.id],
                    confidence=0.75 if kind == "default" else 0.65,
                    key=what.rpartition(".")[2],
                )


def _definitions(model: HarnessModel, path: str) -> list[Element]:
    return [element for element in model.in_file(path) if element.role in (ElementRole.FUNCTION, ElementRole.CLASS)]


def _named(model: HarnessModel, path: str, qualname: str) -> Element | None:
    """The function or class of that name."""
    return next((e for e in _definitions(model, path) if e.anchor.qualname == qualname), None)


def _owner(model: HarnessModel, path: str, what: str) -> Element | None:
    """The function or class whose name is the longest beginning of a dotted one."""
    found = [e for e in _definitions(model, path) if f".{what}.".find(f".{e.anchor.qualname}.") >= 0]
    return max(found, key=lambda element: len(element.anchor.qualname), default=None)
