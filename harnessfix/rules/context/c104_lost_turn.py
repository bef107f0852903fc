"""C104: a turn of the model is missing from the next request."""

import json
import re
from collections.abc import Iterable, Sequence

from harnessfix.rules._errors import handler_element, type_of
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import callers_of, model_steps, own_anchors, owner_of
from harnessfix.rules._query import (
    added_messages,
    ancestors,
    as_anchor,
    asking_anchors,
    function_of,
    names,
    one_of_each,
    quote,
    that_ran,
)
from harnessfix.rules._strays import Stray, strays
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceLink, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, LinkKind, Property, Severity, StepKind

SHORT = 3  # letters up to which a value has to stand by itself to count
OTHERS = frozenset({"system", "developer", "user", "tool"})  # some harnesses have roles of their own for a call
NEVER_SENT = "never sent"  # how the compiler words a text that is in no request at all

_AGENT = r'''import json


class FormatError(Exception):
    """The reply is not of the form that was asked for."""


def parse_action(reply):
    try:
        action = json.loads(reply["content"])
    except json.JSONDecodeError as error:
        raise FormatError(f"Your reply is not JSON: {error}") from error
    if not isinstance(action, dict):
        raise FormatError("Your reply must be a JSON object.")
    return action


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            try:
                action = parse_action(reply)
            except FormatError as error:
                messages.append({"role": "user", "content": str(error)})
                continue
            messages.append(reply)
            if "final" in action:
                return action["final"]
            messages.append({"role": "user", "content": "Go on."})
'''
_MAIN = r"""from agent import Agent
from model import Model, say

replies = [say("I think it is Paris, let me check."), say('{"final": "Paris"}')]
print(Agent(Model(*replies)).run("Name the capital of France, as JSON."))
"""


class LostTurn(Rule):
    code = "C104"
    name = "lost-turn"
    keeps = Property.CONSERVATION
    severity = Severity.ERROR
    summary = "The model's last turn, often a malformed one, is not in the next request."
    why = (
        "The model is told that its reply was wrong and cannot see the reply. It cannot mend what it does not know; it "
        "says the same again, or takes the complaint for the user's."
    )
    fix = "Append every turn before it is parsed, and answer it whether or not it can be used."
    references = (
        "https://platform.openai.com/docs/guides/conversation-state",
        "https://arxiv.org/abs/2606.06324",
    )
    operator = "preserve-turn"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            "            reply = self.model.query(messages)\n",
            "            reply = self.model.query(messages)\n            messages.append(reply)\n",
        ),
        ("                continue\n            messages.append(reply)\n", "                continue\n"),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Replies of which nothing is in the request that goes on with the conversation."""
        new = {step.id: parts for step, _, parts in added_messages(run)}
        spoken: set[str] = set()
        turns: set[str] = set()
        for link in run.links_of_kind(LinkKind.OMITTED):
            turn = run.step(link.source)
            if turn.kind is not StepKind.MODEL_CALL:
                continue
            if not link.detail.startswith(NEVER_SENT):  # what a window takes out later is another flaw
                continue
            if _said_otherwise(run, turn, new.get(link.target, ())):
                continue
            clause = _clause_between(run, link)
            finding = _finding(run, model, link, turn, clause)
            place = finding.anchors[0].place if finding.anchors else ""
            if place and place not in spoken:
                spoken.add(place)
                turns.add(turn.id)
                yield finding
        for stray in strays(run):
            if not stray.was_sent and stray.asking.id not in turns:
                yield _answered(run, model, stray)
                return


def _answered(run: Htir, model: HarnessModel, stray: Stray) -> Finding:
    """Of a turn too short to be looked for, whose calls were answered in a request that does not hold them."""
    request, turn = stray.request, stray.asking
    caller, around = _keeper(run, model, model_steps(run, turn)[0])
    keeper = around if around is not None and around.kind is not StepKind.TASK else turn
    blamed = [as_anchor(caller, "asked, and did not keep the reply")] if caller is not None else []
    name = caller.name if caller is not None else keeper.name
    return Finding(
        message=f"Request {request.id} answers call {stray.result.call_id} of {turn.id}, and no request up to it "
        f"holds the turn that made it: {name} did not keep it.",
        anchors=one_of_each(
            [*blamed, *(own_anchors(around)[:1] if around is not None else ()), *asking_anchors(run, request)]
        ),
        responsible_step=keeper.id,
        symptom_step=request.id,
        path=tuple(dict.fromkeys((keeper.id, turn.id, request.id))),
        confidence=0.9,
        quotes=((f"{turn.id} output", quote(run.output_text(turn))),),
    )


def _keeper(run: Htir, model: HarnessModel, asking: TraceStep) -> tuple[Element | None, TraceStep | None]:
    """Who asked and had the history, and its step if it is one: the nearest caller whose class builds context."""
    for caller in callers_of(model, asking):
        if owner_of(caller) and model.in_function(caller.anchor.path, owner_of(caller), ElementRole.CONTEXT_BUILDER):
            symbol = caller.anchor.symbol
            around = (step for step in ancestors(run, asking) if any(a.symbol == symbol for a in own_anchors(step)[:1]))
            return caller, next(around, None)
    return None, next((step for step in ancestors(run, asking) if step.anchors), None)


def _said_otherwise(run: Htir, turn: TraceStep, new: Sequence[Part]) -> bool:
    """Whether a request tells of all the turn's calls in a form of its own: each name, with each value, in one
    message that is new in it and is nobody else's. Short arguments written anew are too little text for a link."""
    calls = [part for part in turn.output if part.kind == "tool_call" and part.name]
    said = [run.text(part) for part in new if part.role not in OTHERS]
    wanted = [[str(part.name), *_values(run.text(part))] for part in calls]
    return bool(wanted) and all(any(all(_names(text, one) for one in words) for text in said) for words in wanted)


def _values(arguments: str) -> list[str]:
    """The names and plain values of a call's arguments; the text itself where it is no object."""
    try:
        read = json.loads(arguments)
    except (ValueError, RecursionError):
        return [arguments]
    if not isinstance(read, dict):
        return [arguments]
    plain = [str(value) for value in read.values() if isinstance(value, str | int | float)]
    return [*read, *plain] if len(plain) == len(read) else [arguments]


def _names(text: str, word: str) -> bool:
    return word in text if len(word) > SHORT else bool(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text))


def _clause_between(run: Htir, link: TraceLink) -> TraceStep | None:
    """The last `except` clause that was entered between the turn and the request without it."""
    between = run.steps[run.place(link.source) + 1 : run.place(link.target)]
    clauses = [step for step in between if step.kind is StepKind.ERROR and step.name.startswith("except")]
    return clauses[-1] if clauses else None


def _finding(run: Htir, model: HarnessModel, link: TraceLink, turn: TraceStep, clause: TraceStep | None) -> Finding:
    request = run.step(link.target)
    text = run.output_text(turn)
    words = f"The reply {turn.id} ({len(text):,} characters) is not in the next request, {request.id}"
    if clause is not None:
        words += f"; after it {type_of(clause)} was handled in {clause.id}, and that path does not keep the turn"
    return Finding(
        message=words + ".",
        anchors=_anchors(run, model, clause, request),
        responsible_step=clause.id if clause is not None else turn.id,
        symptom_step=request.id,
        path=tuple(dict.fromkeys((turn.id, clause.id if clause is not None else turn.id, request.id))),
        confidence=0.9 if clause is not None else 0.75,
        evidence=Evidence.DERIVED,
        quotes=((f"{turn.id} output", quote(text)),),
    )


def _anchors(run: Htir, model: HarnessModel, clause: TraceStep | None, request: TraceStep) -> tuple[Anchor, ...]:
    """The clause that left the turn out, the functions that append turns, and what ran."""
    anchors: list[Anchor] = []
    handler = handler_element(model, clause) if clause is not None else None
    if handler is not None:
        anchors.append(
            as_anchor(handler, "goes on without the turn", clause.anchors[0].route if clause else handler.anchor.route)
        )
        around = function_of(model, handler.anchor)
        anchors += [as_anchor(around, "the function around it")] if around is not None else []
    built = that_ran(run, model.of_role(ElementRole.CONTEXT_BUILDER))
    builders = [b for b in built if "assistant" in names(b.value("appends-role"))]
    asking = asking_anchors(run, request)
    # Elsewhere in a package (a user interface, another agent) turns are appended that this run has nothing to do with.
    files = {anchor.path for step in run.steps for anchor in step.anchors}
    near = [as_anchor(b, "appends turns") for b in builders if b.anchor.path in files]
    far = [as_anchor(b, "appends turns") for b in builders if b.anchor.path not in files]
    return one_of_each([*anchors, *near, *asking, *far])
