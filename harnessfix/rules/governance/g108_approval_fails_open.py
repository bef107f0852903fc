"""G108: what the gate could not read, it let through."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harnessfix.rules._calls import argument_flaw
from harnessfix.rules._errors import handler_element, handlings, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, function_of, nearest_anchors, one_of_each, quote, step_elements
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

# A gate says "go" with False when it is asked whether approval is needed, with True when it is asked to approve.
_ASKS_NEED = re.compile(r"need|requir|must", re.IGNORECASE)
_ASKS_LEAVE = re.compile(r"approv|allow|confirm|permi|authori[sz]|consent", re.IGNORECASE)
_UNREADABLE = frozenset({"JSONDecodeError", "ValueError", "TypeError", "UnicodeDecodeError", "ValidationError"})

_AGENT = r'''import json


def needs_approval(function):
    """Whether a person has to agree to the call."""
    try:
        arguments = json.loads(function["arguments"])
    except json.JSONDecodeError:
        arguments = {}
    return arguments.get("amount", 0) > 100


def approve(function):
    """Ask a person; nobody is there tonight."""
    return False


def pay(amount):
    """Pay an amount."""
    return f"paid {amount}"


TOOLS = {"pay": pay}


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
        if needs_approval(function) and not approve(function):
            return "refused: nobody approved it"
        try:
            return TOOLS[function["name"]](**json.loads(function["arguments"].rstrip() + "}"))
        except (KeyError, TypeError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

print(Agent(Model(call("pay", '{"amount": 5000'), say("Paid."))).run("Pay the rent."))
"""


@dataclass(frozen=True)
class _Blind:
    """Why a gate did not see what it judged: in words, the step that shows it, and the place to change."""

    words: str
    step: TraceStep
    anchors: tuple[Anchor, ...]


class ApprovalFailsOpen(Rule):
    code = "G108"
    name = "approval-fails-open"
    keeps = Property.AUTHORITY
    severity = Severity.ERROR
    summary = "An approval check that cannot read the arguments decides as if there were none."
    why = (
        "The gate judges by the content of the call. Where malformed or missing arguments become an empty object "
        "on the way to it, it sees nothing to object to, and the call that nobody could read is the one that "
        "nobody is asked about. Whoever steers the model can have that for the price of a comma."
    )
    fix = "Treat what cannot be read as needing approval; answer malformed arguments before any gate judges them."
    references = (
        "https://github.com/openai/openai-agents-python/issues/3863",
        "https://owasp.org/Top10/A04_2021-Insecure_Design/",
    )
    operator = "fail-closed"
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("        arguments = {}\n", "        return True\n"))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Gates that said "go" after an error inside them, or on arguments that a parser had replaced by nothing."""
        gates = {step.id: step for step in run.of_kind(StepKind.GUARD, StepKind.PARSE) if _says_go(run, step)}
        spoken: set[str] = set()
        for gate in gates.values():
            blind = _blind(run, model, gate)
            if blind is None or not blind.anchors or blind.anchors[0].place in spoken:
                continue
            spoken.add(blind.anchors[0].place)
            yield Finding(
                message=f"{gate.name} ({gate.id}) answered {run.output_text(gate)!r}, and so let the call through, "
                f"although {blind.words}.",
                anchors=one_of_each([*blind.anchors, *nearest_anchors(run, gate)]),
                responsible_step=blind.step.id,
                symptom_step=gate.id,
                path=tuple(dict.fromkeys((blind.step.id, gate.id))),
                confidence=0.85,
                evidence=Evidence.DERIVED,
                quotes=((f"{gate.id} input", quote(run.input_text(gate))),),
            )


def _says_go(run: Htir, step: TraceStep) -> bool:
    said = run.output_text(step).strip().lower()
    name = step.name.rpartition(".")[2]
    if _ASKS_NEED.search(name) and _ASKS_LEAVE.search(name):
        return said == "false"
    return step.kind is StepKind.GUARD and said == "true" and _ASKS_LEAVE.search(name) is not None


def _blind(run: Htir, model: HarnessModel, gate: TraceStep) -> _Blind | None:
    for inner in run.descendants(gate.id):
        if inner.kind is StepKind.PARSE and run.output_text(inner).strip() == "{}":
            flaw = next(
                (f for part in inner.input if (f := argument_flaw(run.text(part))) in ("not JSON", "empty")), None
            )
            if flaw is not None:
                parsers = [
                    as_anchor(e, "turns it into nothing") for e in step_elements(model, inner, ElementRole.PARSER)
                ]
                words = f"the arguments were {flaw} and {inner.name} ({inner.id}) had turned them into {{}}"
                return _Blind(words, inner, (*parsers, *inner.anchors))
    for error, clause in handlings(run):
        if clause.parent != gate.id or short_type(error.error) not in _UNREADABLE:
            continue
        handler = handler_element(model, clause)
        if handler is None or handler.fact("uses-exception") or handler.fact("reraises") or handler.fact("raises"):
            continue
        around = function_of(model, handler.anchor)
        anchors = [as_anchor(handler, "goes on without what it could not read"), *([around.anchor] if around else [])]
        said = quote(error.error.message if error.error is not None else "", 60)
        words = f"reading what it judged had failed in {error.id} ({short_type(error.error)}: {said!r})"
        return _Blind(words, clause, tuple(anchors))
    return None
