"""L131: a clause for failures of the work took a mistake in the harness's own code, and the run went on."""

import re
from collections.abc import Iterable

from harnessfix.rules._errors import handler_element, handlings, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import tool_call_around
from harnessfix.rules._query import ancestors, as_anchor, function_of, names, one_of_each, quote
from harnessfix.rules._signals import error_of
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, TraceStep
from harnessfix_ir.vocabulary import Property, Severity, StepKind

# What Python raises when code does what its values cannot do; keys, indices and values are missing in the best of code.
_MISTAKES = frozenset({"AttributeError", "NameError", "TypeError", "UnboundLocalError"})
# Where a program tries whether a value can do something, such an answer is no mistake.
_TRYING = re.compile(
    r"dumps?$|default$|serial|pickl|copy|signature|hints|getsource|getfile|getmembers|issubclass|isinstance|hash|"
    r"format|repr|str$|encode|schema|import|version|probe|detect|sniff|supports|is_\w+$|has_\w+$|can_\w+$|safe_",
    re.IGNORECASE,
)
_ARGUMENTS = re.compile(
    r"unexpected keyword argument|required (positional|keyword-only) argument|positional arguments?"
)

_AGENT = '''\
import json
import logging


class Agent:
    """Answers with an object; the reply is text, or already an object where the provider parsed it."""

    def __init__(self, model):
        self.model = model

    def as_object(self, reply):
        try:
            return json.loads(reply["content"])
        except Exception as error:
            logging.warning("not an object: %s", error)
            return None

    def run(self, task):
        reply = self.model.query([{"role": "user", "content": task}])
        return self.as_object(reply)
'''
_MAIN = """\
from agent import Agent
from model import Model

print(Agent(Model({"role": "assistant", "content": {"answer": "yes"}})).run("Is it so?"))
"""


class MistakeTakenForFailure(Rule):
    code = "L131"
    name = "mistake-taken-for-failure"
    keeps = Property.CONTAINMENT
    severity = Severity.ERROR
    summary = "A broad clause catches a TypeError, AttributeError or NameError of the harness's own code and goes on."
    why = (
        "The clause was written for replies that cannot be read and calls that fail. What it took is none of that: the "
        "code did with a value what that value cannot do. The fallback then stands for a result that the harness had "
        "in hand, and nobody learns of the mistake."
    )
    fix = (
        "Catch what can fail by its name; let mistakes through. Where a value may legally have the other shape, "
        "test for it first."
    )
    references = ("https://docs.astral.sh/ruff/rules/blind-except/",)
    operator = "record-exception"
    yields_to = ("O101", "T102", "T122")
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            '            return json.loads(reply["content"])\n',
            '            said = reply["content"]\n'
            "            return said if isinstance(said, dict) else json.loads(said)\n",
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Broad clauses that were entered with such an exception from their own code and let the run go on."""
        for origin, entered in handlings(run):
            handler, error = handler_element(model, entered), error_of(run, entered)
            if handler is None or error is None or short_type(error) not in _MISTAKES:
                continue
            if not _goes_on(handler) or _looked_up(handler, error):
                continue
            if _tried(origin, error) or _is_of_others(run, origin, entered):
                continue
            function = function_of(model, handler.anchor)
            around = [as_anchor(function, "met a value that it was not written for")] if function is not None else []
            yield Finding(
                f"{short_type(error)} was raised at {origin.anchors[0].place} in {origin.anchors[0].qualname} "
                f"({origin.id}), a mistake of the code; the clause at {handler.anchor.place} took it for a failure "
                f"({entered.id}), and the run went on without what was to be done there.",
                one_of_each([*around, *origin.anchors[:1], as_anchor(handler, "takes mistakes too")]),
                responsible_step=entered.id,
                symptom_step=entered.parent,
                path=list(dict.fromkeys(s for s in (origin.id, entered.id, entered.parent) if s)),
                confidence=0.75,
                quotes=[(f"{origin.id} error", quote(f"{short_type(error)}: {error.message}"))],
                key=f"{handler.name} {short_type(error)}",
            )


def _goes_on(handler: Element) -> bool:
    """Whether a clause catches everything and raises nothing; what is told a model is told somebody."""
    ends = handler.fact("reraises") or handler.fact("raises") or handler.fact("tool-call-inside")
    return handler.fact("broad") is not None and not ends


def _looked_up(handler: Element, error: ErrorInfo) -> bool:
    """Whether something optional was looked for along attributes, and a default stands for its absence."""
    made_up = any(handler.fact(fact) for fact in ("returns-constant", "passes", "continues"))
    return short_type(error) == "AttributeError" and made_up


def _tried(origin: TraceStep, error: ErrorInfo) -> bool:
    """Whether the exception answers a question, or is about arguments, which a model may have chosen."""
    if not origin.anchors or _ARGUMENTS.search(error.message):
        return True
    raised_in = origin.attributes.get("raised_in")
    at = names(raised_in)[1:2] if isinstance(raised_in, list) else []
    inner = [*at, origin.anchors[0].qualname]
    return any(_TRYING.search(name.rpartition(".")[2]) for name in inner)


def _is_of_others(run: Htir, origin: TraceStep, entered: TraceStep) -> bool:
    """Whether a tool, a verifier or an approval was at work: what they raise is theirs, and is told of elsewhere."""
    for step in ancestors(run, origin):
        if step.id == entered.parent:
            break
        if step.kind in (StepKind.TOOL_CALL, StepKind.MODEL_CALL, StepKind.GUARD):
            return True
    return tool_call_around(run, entered) is not None
