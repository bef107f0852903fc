"""E113: a function changes what its caller handed it."""

import re
from collections.abc import Iterable, Iterator

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import nearest_own, own_function
from harnessfix.rules._query import as_anchor, events, names, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.names import words_in
from harnessfix_ir.steps import StepEvent, TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Route, Severity, StepKind

# Kinds of steps that read what they are given and answer; what such a step changes, its caller does not expect.
_READERS = (StepKind.MODEL_CALL, StepKind.CONTEXT_BUILD, StepKind.PARSE, StepKind.GUARD, StepKind.VERIFY)
# What is handed over to be changed.
_SHARED = re.compile(r"state|memory|context|store|scratch|session|namespace|globals|locals|variables|usage|cache|out$")
_TO_CHANGE = frozenset({"state", "memory", "context", "store", "scratch", "session", "usage", "cache", "variables"})
# Functions that say that they do something with what they are given.
_DOES = re.compile(
    r"(^|\.)_*(handle|execute|run|invoke|apply|update|add|append|extend|register|set|insert|push|write|save|record|step)"
    r"(_[^.]*)?$|(^|\.)_*call_(tool|function)s?(_[^.]*)?$"
)
# What pydantic and attrs hand to such a method is there to be put right.
_VALIDATOR = re.compile(r"(^|\.)(model_validator|root_validator|field_validator|validator|before_validator)$")

_AGENT = """\
class CachingModel:
    \"\"\"Tells the provider up to where the conversation can be kept.\"\"\"

    def __init__(self, model):
        self.model = model

    def query(self, messages):
        marked = list(messages)
        marked[-1]["cache_control"] = {"type": "ephemeral"}
        return self.model.query(marked)


class Agent:
    def __init__(self, model):
        self.model = CachingModel(model)

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"].startswith("Final:"):
                return reply["content"]
            messages.append({"role": "user", "content": "Go on."})
"""
_MAIN = """\
from agent import Agent
from model import Model, say

print(Agent(Model(say("Two."), say("Final: 3"))).run("Count to three."))
"""


class ChangedArgument(Rule):
    code = "E113"
    name = "changed-argument"
    keeps = Property.ISOLATION
    severity = Severity.WARNING
    summary = (
        "A function that was to read or convert something changes it, and its caller goes on with the changed one."
    )
    why = (
        "Conversations, schemas and settings are handed on by reference. A step that cleans, cuts or extends what "
        "it was given does so for everybody: the next turn starts from the converted history, the next run from "
        "another configuration, the saved record is not what was said."
    )
    fix = "Work on a copy, as deep as what is changed, and return it."
    by_hand = "How deep the copy has to be depends on what callers hold, which is in other files."
    references = (
        "https://github.com/huggingface/smolagents/pull/1957",
        "https://docs.python.org/3/faq/programming.html#how-do-i-write-a-function-with-output-parameters-call-by-reference",
    )
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            '        marked = list(messages)\n        marked[-1]["cache_control"] = {"type": "ephemeral"}\n',
            '        marked = [*messages[:-1], {**messages[-1], "cache_control": {"type": "ephemeral"}}]\n',
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Outermost calls, and steps that read and answer, after which the list or dictionary they got is another."""
        spoken: set[tuple[str, str]] = set()
        for step, event in _innermost(run):
            function = own_function(model, step)
            if function is not None and any(_VALIDATOR.search(name) for name in names(function.value("decorators"))):
                continue
            if _DOES.search(function.anchor.qualname if function is not None else step.name):
                continue
            name = str(event.attributes.get("name"))
            if function is not None and name in names(function.value("changes-params")):
                continue
            place = (function.id if function is not None else step.name, name)
            if place in spoken:
                continue
            spoken.add(place)
            where = [as_anchor(function, "changes what it was given", Route.PROBE)] if function is not None else []
            anchors = one_of_each([*where, *nearest_own(run, step)])
            if not anchors:
                continue
            paths = names(event.attributes.get("paths"))
            words = f"at {', '.join(quote(path, 40) for path in paths[:3])}" if any(paths) else "in place"
            yield Finding(
                f"{step.name} ({step.id}) changed its argument `{name}` {words}: what its caller goes on with is no "
                "longer what it handed over.",
                anchors,
                responsible_step=step.id,
                symptom_step=step.id,
                path=[step.id],
                confidence=0.7 if step.kind in _READERS else 0.55,
                evidence=Evidence.OBSERVED,
                parameters={"argument": name},
                key=name,
            )


def _innermost(run: Htir) -> Iterator[tuple[TraceStep, StepEvent]]:
    """Changes with the innermost step that shows them: those around it saw the same one."""
    for step in run.with_event("argument_changed"):
        for event in events(step, "argument_changed"):
            if _counts(run, step, event) and not any(
                _paths(inner) == _paths(event) for below in run.descendants(step.id) for inner in _changes(below)
            ):
                yield step, event


def _changes(step: TraceStep) -> list[StepEvent]:
    return [event for event in events(step, "argument_changed") if event.attributes.get("how") == "changed"]


def _paths(event: StepEvent) -> tuple[str, ...]:
    return tuple(names(event.attributes.get("paths")))


def _all_shared(paths: tuple[str, ...]) -> bool:
    """Whether all that was changed lies in something below the argument that is there to be changed."""
    return bool(paths) and all(
        any(_TO_CHANGE & words_in(part) for part in re.findall(r"\w+", path)[:-1]) for path in paths
    )


def _counts(run: Htir, step: TraceStep, event: StepEvent) -> bool:
    """Whether a plain list or dictionary was changed, not only added to, by a step that had no business to."""
    if event.attributes.get("how") != "changed" or not (step.kind in _READERS or step.parent is None):
        return False
    if _SHARED.search(str(event.attributes.get("name"))) or _all_shared(_paths(event)):
        return False
    if event.attributes.get("paths") == []:
        return False  # what was written of it before and after is the same
    given = [run.text(part) for part in step.input if part.name == event.attributes.get("name")]
    plain = any(path.startswith("[") for path in _paths(event)) or any(
        text[:1] in "[{" and not text.startswith('{"$type"') for text in given
    )
    answers = any(run.text(part) not in ("", "null", "None") for part in step.output)
    return plain and answers and step.error is None
