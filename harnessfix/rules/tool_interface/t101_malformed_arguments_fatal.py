"""T101: arguments that are not a JSON object end the run."""

from bisect import bisect_right
from collections.abc import Iterable

from harnessfix.rules._calls import Asked, malformed
from harnessfix.rules._errors import escaped_to, raised, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import ancestors, as_anchor, element_at, function_of, lines_of, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

_SHAPE_ERRORS = frozenset({"TypeError", "AttributeError", "KeyError", "IndexError", "UnboundLocalError"})
_DECODE_ERRORS = frozenset({"JSONDecodeError", "UnboundLocalError"})

_AGENT = r'''import json


def read_note(name):
    """Read a note by its name."""
    return {"todo": "water the plants"}.get(name, "there is no such note")


TOOLS = {"read_note": read_note}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": self.answer(call["function"])})

    def answer(self, function):
        arguments = json.loads(function["arguments"])
        tool = TOOLS.get(function["name"])
        return tool(**arguments) if tool else f"there is no tool {function['name']}"
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

replies = [call("read_note", '{"name": "todo'), call("read_note", {"name": "todo"}), say("done")]
print(Agent(Model(*replies)).run("What is on my list?"))
"""
_PARSE = """        arguments = json.loads(function["arguments"])
"""
_CHECKED = """        try:
            arguments = json.loads(function["arguments"])
        except json.JSONDecodeError as error:
            return f"The arguments are not JSON ({error}). Send them again."
        if not isinstance(arguments, dict):
            return "The arguments must be a JSON object. Send them again."
"""


class MalformedArgumentsFatal(Rule):
    code = "T101"
    name = "malformed-arguments-fatal"
    keeps = Property.CONTAINMENT
    severity = Severity.ERROR
    summary = "Tool arguments that are not a JSON object end the run."
    why = (
        "Models now and then write JSON that does not parse, or an array where an object was asked for. They mend "
        "it when they are told. A harness that lets the exception out of its loop throws the run away for a comma."
    )
    fix = "Catch decode and shape errors where the arguments are parsed, tell the model what was wrong, keep its turn."
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/pull/760",
        "https://github.com/openai/openai-agents-python/pull/3166",
    )
    operator = "return-parse-error"
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(bad, "agent.py", (_PARSE, _CHECKED), exit_code=0)

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Parsers of tool arguments that let a decode error out, here and in all their callers."""
        registries = model.of_role(ElementRole.TOOL_REGISTRY)
        dispatching = {registry.anchor.symbol for registry in registries if registry.fact("lookup")}
        calling = model.callers
        for parser in model.of_role(ElementRole.PARSER):
            lines = lines_of(parser.value("unguarded-json-loads"))
            place = parser.anchor.symbol
            # What is parsed on the way to a tool are arguments; other JSON may well be the harness's own.
            if lines and not dispatching.isdisjoint((place, *calling.get(place, ()))):
                yield Finding(
                    message=f"`json.loads` of what a model wrote (line {lines[0]}): no caller catches its error.",
                    anchors=[as_anchor(parser, "parses what a model wrote, unguarded"), *_callers(model, parser)],
                    confidence=0.5,
                    severity=Severity.WARNING,
                    evidence=Evidence.DERIVED,
                    parameters={"lines": [*lines]},
                    missing=("a run in which the model writes malformed arguments",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Malformed arguments in a reply, and right after them an exception of the harness that nothing contained."""
        errors = list(raised(run))
        requests = [run.place(step.id) for step in run.of_kind(StepKind.MODEL_CALL)] if errors else []
        for call, flaw in malformed(run) if errors else ():
            for error in _consequences(run, requests, call, flaw, errors):
                ended = escaped_to(run, error)
                if ended is not None:
                    yield _finding(run, model, call, flaw, error, ended)
                    break


def _consequences(run: Htir, requests: list[int], call: Asked, flaw: str, errors: list[TraceStep]) -> list[TraceStep]:
    """Exceptions raised after the reply and before the next request that such arguments explain."""
    wanted = _DECODE_ERRORS if flaw in ("not JSON", "empty") else _SHAPE_ERRORS | _DECODE_ERRORS
    after = run.place(call.step.id)
    next_one = bisect_right(requests, after)
    before = requests[next_one] if next_one < len(requests) else len(run.steps)
    return [e for e in errors if after < run.place(e.id) < before and short_type(e.error) in wanted]


def _finding(run: Htir, model: HarnessModel, call: Asked, flaw: str, error: TraceStep, ended: TraceStep) -> Finding:
    kind = short_type(error.error)
    reading = _reading(run, call, error)
    parser = _parser(run, model, error, reading)
    anchors: list[Anchor] = [as_anchor(parser, "parses what a model wrote, unguarded")] if parser else []
    responsible = reading.id if reading is not None else error.parent or error.id
    return Finding(
        message=f"The arguments of {call.name or 'a tool'} in {call.step.id} were {flaw}; {kind} was raised in "
        f"{error.id}, nothing answered the model, and it ended {ended.name} ({ended.id}).",
        anchors=one_of_each([*anchors, *error.anchors, *(_callers(model, parser) if parser else ())]),
        responsible_step=responsible,
        symptom_step=ended.id,
        path=tuple(dict.fromkeys((call.step.id, responsible, error.id, ended.id))),
        confidence=0.95,
        quotes=((f"{call.step.id} output", quote(call.arguments)),),
        parameters={"errors": [kind]},
    )


def _reading(run: Htir, call: Asked, error: TraceStep) -> TraceStep | None:
    """The last parse step before the exception that was given the arguments: what it let through broke later code."""
    found = None
    for step in run.steps:
        if step.id == error.id:
            break
        if step.kind is StepKind.PARSE and any(part.text == call.part.text for part in step.input):
            found = step
    return found


def _parser(run: Htir, model: HarnessModel, error: TraceStep, reading: TraceStep | None) -> Element | None:
    """The parser that read the arguments or that the exception came out of, else the function that raised it."""
    places = [*(reading.anchors if reading is not None else ()), *error.anchors]
    places += [anchor for outer in ancestors(run, error) for anchor in outer.anchors]
    for anchor in places:
        parser = element_at(model, anchor, ElementRole.PARSER)
        if parser is not None:
            return parser
    return next((function for anchor in places if (function := function_of(model, anchor)) is not None), None)


def _callers(model: HarnessModel, parser: Element) -> list[Anchor]:
    """The functions that call the parser: where the model can be answered."""
    names = model.callers.get(parser.anchor.symbol, ())
    found = (model.function(*name.split(":", 1)) for name in dict.fromkeys(names))
    return [as_anchor(function, "calls the parser and could answer") for function in found if function is not None]
