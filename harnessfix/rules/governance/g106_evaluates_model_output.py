"""G106: what the model wrote is evaluated as Python."""

import re
from collections.abc import Iterable, Iterator

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, nearest_anchors, one_of_each, quote, reachable
from harnessfix.rules._reach import model_driven, reached_from
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import CallEdge, Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

_EVALUATES = frozenset(
    {
        "eval",
        "exec",
        "builtins.eval",
        "builtins.exec",
        "pickle.loads",
        "pickle.load",
        "marshal.loads",
        "yaml.unsafe_load",
    }
)

_OF_TEXT = frozenset({"eval", "exec", "builtins.eval", "builtins.exec"})
_ARGUMENTS = re.compile(r"(?i)arg(ument)?s|(tool|function)_?call|params")

_AGENT = r'''import json


def read_list(text):
    """Read a list of numbers as Python writes it."""
    return eval(text)


def add_up(numbers):
    """Add up a list of numbers."""
    return str(sum(read_list(numbers)))


TOOLS = {"add_up": add_up}


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
                answer = TOOLS[call["function"]["name"]](**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

print(Agent(Model(call("add_up", {"numbers": "[19, 23]"}), say("42"))).run("What are 19 and 23 together?"))
"""


class EvaluatesModelOutput(Rule):
    code = "G106"
    name = "evaluates-model-output"
    keeps = Property.INERTNESS
    severity = Severity.WARNING
    summary = "A tool or parser evaluates text of the model's choice in the harness's own process."
    why = (
        "`eval` of an argument is a shell with the harness's rights, keys and files. The text need not come from "
        "a hostile model: a page that it read is enough."
    )
    fix = "Parse what is expected (`ast.literal_eval`, JSON, a small grammar), or run the code in a sandboxed process."
    references = (
        "https://docs.python.org/3/library/ast.html#ast.literal_eval",
        "https://genai.owasp.org/llmrisk/llm052025-improper-output-handling/",
    )
    operator = "safe-evaluation"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ("import json\n", "import ast\nimport json\n"),
        ("return eval(text)", "return ast.literal_eval(text)"),
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Evaluating calls in tools and parsers, and in what these call."""
        parsers = (parser.anchor.symbol for parser in model.of_role(ElementRole.PARSER))
        driven = model_driven(model) | reached_from(model, parsers, depth=1)
        for call, function in _evaluations(model):
            if call.caller in driven:
                yield Finding(
                    message=f"`{call.callee}` at {function.anchor.path}:{call.line} evaluates what a model may "
                    "have chosen.",
                    anchors=[as_anchor(function, "evaluates its input")],
                    confidence=0.6,
                    evidence=Evidence.DERIVED,
                    parameters={"call": call.callee, "line": call.line},
                    missing=("a run in which the text comes from the model",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Tool, parse and model steps that ran through an evaluating call; one finding per function."""
        evaluating = {call.caller: (call, function) for call, function in _evaluations(model)}
        spoken: set[str] = set()
        for step in run.of_kind(StepKind.TOOL_CALL, StepKind.PARSE, StepKind.MODEL_CALL) if evaluating else ():
            near = (f.anchor.symbol for anchor in step.anchors[:1] for f in reachable(model, anchor, depth=2))
            key = next((key for key in near if key in evaluating), "")
            if not key or key in spoken:
                continue
            reads = step.kind is StepKind.MODEL_CALL
            if reads and not (_reads_calls(run, *evaluating[key]) and any(p.kind == "tool_call" for p in step.output)):
                continue
            spoken.add(key)
            call, place = evaluating[key]
            side = "output" if reads else "input"
            asked = run.output_text(step) if reads else run.input_text(step)
            given = f"{'got' if reads else 'was given'} {quote(asked, 80)!r}"
            yield Finding(
                message=f"{step.name} ({step.id}) {given} and `{call.callee}` at {place.anchor.path}:{call.line} "
                "evaluated it in the harness's own process.",
                anchors=one_of_each([as_anchor(place, "evaluates its input"), *nearest_anchors(run, step)]),
                responsible_step=step.id,
                symptom_step=step.id,
                path=(step.id,),
                confidence=0.6 if reads else 0.8,
                severity=Severity.ERROR,
                evidence=Evidence.HEURISTIC if reads else Evidence.DERIVED,  # told from names
                quotes=((f"{step.id} {side}", quote(asked)),),
                parameters={"call": call.callee, "line": call.line},
            )


def _reads_calls(run: Htir, call: CallEdge, function: Element) -> bool:
    """Whether a run went through `eval` of something that is named like the arguments of a call."""
    marks, names = run.reached.get(function.anchor.path), function.value("names")
    if call.callee not in _OF_TEXT or marks is None or not marks.ran(call.line) or not isinstance(names, dict):
        return False
    there = (name for name, lines in names.items() if isinstance(lines, list) and call.line in lines)
    return any(_ARGUMENTS.search(name) for name in there)


def _evaluations(model: HarnessModel) -> Iterator[tuple[CallEdge, Element]]:
    for call in model.calls_named(*{name.rpartition(".")[2] for name in _EVALUATES}):
        if call.callee in _EVALUATES:
            path, _, qualname = call.caller.partition(":")
            function = model.function(path, qualname)
            if function is not None:
                yield call, function
