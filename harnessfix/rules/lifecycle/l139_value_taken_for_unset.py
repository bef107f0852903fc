"""L139: a value that was given is replaced by a default, because it is 0, False or counts as empty."""

import re
from collections.abc import Iterable, Iterator, Mapping

from harnessfix.rules._budgets import fallen_back, given_zeros, is_given
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_function
from harnessfix.rules._query import as_anchor, one_of_each
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.source.words import LIMIT_NAME
from harnessfix_ir.steps import StepEvent, TraceStep
from harnessfix_ir.vocabulary import AnchorKind, Evidence, Property, Severity

# A moment of 0 is no moment, and an identifier of 0 none either.
_MOMENT = re.compile(r"(^|[._])(time|now|utcnow|perf_counter|monotonic|uuid\d?|id|created(_at)?|timestamp)(\(|$)")
_NONE = {"$type": "builtins.NoneType"}

_AGENT = '''\
class Settings:
    """What a run may change of the settings of all runs."""

    def __init__(self, **given):
        self.given = given

    def merged(self, other):
        return Settings(**{name: other.given.get(name) or value for name, value in self.given.items()})


class Agent:
    def __init__(self, model, settings):
        self.model, self.settings = model, settings

    def run(self, task, settings):
        examples = self.settings.merged(settings).given["examples"]
        shown = [{"role": "user", "content": f"Example {number}"} for number in range(examples)]
        return self.model.query([*shown, {"role": "user", "content": task}])["content"]
'''
_MAIN = """\
from agent import Agent, Settings
from model import Model, say

agent = Agent(Model(say("4")), Settings(examples=3))
print(agent.run("Two and two?", Settings(examples=0)))
"""


class ValueTakenForUnset(Rule):
    code = "L139"
    name = "value-taken-for-unset"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "A value that was given is replaced by a default, because it is 0, False or counts as empty."
    why = (
        "`given or default` asks whether the value is true, where it was to ask whether there is one. An explicit 0, "
        "a False, an object that has a length of 0 are values: whoever gave them gets something else, and nothing "
        "says so."
    )
    fix = "Test for `None`, or for a sentinel where None is a value, too."
    references = (
        "https://github.com/langchain-ai/langgraph/issues/8406",
        "https://docs.python.org/3/library/stdtypes.html#truth-value-testing",
    )
    operator = "fix-limit"
    yields_to = ("L106", "T117")
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("other.given.get(name) or value", "other.given.get(name, value)"))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Choices that fell back on a default though there was a value; one finding per place."""
        seen: dict[str, tuple[TraceStep, StepEvent, Element]] = {}
        for step, event, element in fallen_back(run, model):
            if not _MOMENT.search(_source(element)):
                kept = seen.get(element.id)
                if kept is None or _trust(event, element) > _trust(kept[1], element):
                    seen[element.id] = step, event, element
        for step, event, element in seen.values():
            if (confidence := _trust(event, element)) > 0:
                yield _finding(step, event, element, confidence)
        yield from _not_handed_on(run, model)


def _not_handed_on(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    """Zeros that the program means, where `if setting:` is all that would hand them on."""
    zeros = given_zeros(run)
    meant = zeros.keys() & set(run.run.program)
    paths = sorted(run.reached) if meant else ()
    for function in (element for path in paths for element in model.in_file(path)):
        reached = run.reached[function.anchor.path]
        for name, asked, done, own in _handed_on(function):
            if name not in meant or not reached.ran(asked):
                continue
            given_here = own_function(model, zeros[name]) == function
            if given_here or not own:  # else what that call of it was given is not known
                # Where what is done for a true one ran, another value was handed on there.
                confidence = 0.6 if reached.ran(done) else 0.75
                yield _zero(zeros[name], function, name, (asked, done), given_here=given_here, confidence=confidence)


def _zero(
    step: TraceStep, function: Element, name: str, lines: tuple[int, int], *, given_here: bool, confidence: float
) -> Finding:
    asked, done = lines
    place = {"start_line": asked, "end_line": done, "content_hash": "", "kind": AnchorKind.CALL}
    anchor = as_anchor(function, f"hands `{name}` on where it is true").model_copy(update=place)
    where = "" if given_here else ", if it came there"
    return Finding(
        f"{step.name} ({step.id}) was given {name}=0, and line {asked} hands {name} on only where it is true: the zero "
        f"counts as none{where}.",
        one_of_each([anchor, *step.anchors[:1]]),
        responsible_step=step.id,
        symptom_step=step.id,
        path=[step.id],
        confidence=confidence,
        evidence=Evidence.DERIVED,
        operator="",
        key=f"not handed on {name}",
    )


def _handed_on(function: Element) -> Iterator[tuple[str, int, int, bool]]:
    told = function.value("handed-on")
    for row in told if isinstance(told, list) else ():
        match row:
            case [str(name), int(asked), int(done), bool(own)]:
                yield name, asked, done, own


def _source(element: Element) -> str:
    return str(element.value("default"))


def _trust(event: StepEvent, element: Element) -> float:
    """How likely the value was meant: numbers and objects are, and what was to override a value of the same name."""
    value, default = event.attributes.get("value"), event.attributes.get("default")
    if default == _NONE:
        return 0.6 if LIMIT_NAME.search(element.name) and is_given(element) else 0.0  # a price of 0 and none are one
    if isinstance(value, bool | int | float):
        return 0.75
    if isinstance(value, Mapping) and value:
        return 0.75
    own, other = element.name.rpartition("."), _source(element).rpartition(".")
    if own[0] and other[0] and own[2] == other[2]:
        return 0.65
    return 0.45 if default is not None else 0.0


def _finding(step: TraceStep, event: StepEvent, element: Element, confidence: float) -> Finding:
    value, default = _spoken(event.attributes.get("value")), _spoken(event.attributes.get("default"))
    return Finding(
        f"`{element.name} or {_source(element)}` had {value} and took {default} ({step.id}): `or` cannot tell a value "
        "that is false from none.",
        one_of_each([as_anchor(element, "takes a value for unset"), *step.anchors[:1]]),
        responsible_step=step.id,
        symptom_step=step.id,
        path=[step.id],
        confidence=confidence,
        severity=Severity.WARNING if confidence >= 0.5 else Severity.INFO,
        evidence=Evidence.OBSERVED if confidence >= 0.5 else Evidence.HEURISTIC,
        parameters={"form": "falsy-zero", "limit": element.name},
        key=element.name,
    )


def _spoken(value: object) -> str:
    """A value as the probe told it, in words."""
    if value == _NONE:
        return "None"
    if isinstance(value, Mapping):
        name = str(value.get("$type", "")).removeprefix("builtins.")
        return f"an object of {name}" if name else "an empty mapping"
    if isinstance(value, list):
        return "an empty list"
    return "its default" if value is None else repr(value)
