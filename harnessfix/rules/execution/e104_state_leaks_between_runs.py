"""E104: the second run begins with what the first one left behind."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import beginning_of
from harnessfix.rules._query import ancestors, as_anchor, names, nearest_anchors, one_of_each, quote, requests
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Route, Severity, StepKind

MIN_TEXT = 8  # characters; shorter answers ("ok") recur by themselves
_CONVERSATION_NAMES = ("message", "history", "conversation", "transcript", "memory", "observations", "steps")

_AGENT = r"""class Agent:
    messages = []

    def __init__(self, model):
        self.model = model

    def run(self, task):
        self.messages.append({"role": "user", "content": task})
        for _ in range(5):
            reply = self.model.query(self.messages)
            self.messages.append(reply)
            if reply["content"].startswith("Final:"):
                return reply["content"]
            self.messages.append({"role": "user", "content": "Go on."})
"""
_MAIN = r"""from agent import Agent
from model import Model, say

print(Agent(Model(say("The capital of France is Paris."), say("Final: Paris"))).run("Name the capital of France."))
print(Agent(Model(say("Final: 42"))).run("What is six times seven?"))
"""


class StateLeaksBetweenRuns(Rule):
    code = "E104"
    name = "state-leaks-between-runs"
    keeps = Property.ISOLATION
    severity = Severity.ERROR
    summary = "A run starts with messages of the run before it."
    why = (
        "A list that belongs to the class, to the module or to a default argument outlives the run. The second task is "
        "asked with the first one's conversation in front of it: wrong answers, leaked data, growing cost."
    )
    fix = "Create conversation, memory and counters where a run begins, on the instance."
    references = (
        "https://docs.python.org/3/tutorial/classes.html#class-and-instance-variables",
        "https://docs.python.org/3/tutorial/controlflow.html#default-argument-values",
    )
    operator = "isolate-run"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ("class Agent:\n    messages = []\n\n", "class Agent:\n"),
        ("        self.model = model\n", "        self.model = model\n        self.messages = []\n"),
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Classes that keep a conversation in a class attribute and add to it."""
        for element in model.of_role(ElementRole.CLASS):
            for attribute in names(element.value("mutable-class-attributes")):
                # A name in capitals is a constant: nothing is added to it.
                if not attribute.isupper() and _is_conversation(attribute) and _is_agent(model, element):
                    yield Finding(
                        message=f"`{element.name}.{attribute}` belongs to the class: all instances share it.",
                        anchors=[as_anchor(element, "holds a mutable class attribute")],
                        key="runs",
                        confidence=0.6,
                        severity=Severity.WARNING,
                        evidence=Evidence.DERIVED,
                        parameters={"attribute": attribute},
                        missing=("two runs in one process",),
                    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """First requests of an episode that hold a turn of a model which nobody in that episode gave."""
        wordings = {prompt.text.strip() for prompt in model.of_role(ElementRole.PROMPT)}
        begun: set[str] = set()
        for request in requests(run):
            episode = _episode(run, request)
            if episode is None or episode.id in begun:
                continue
            begun.add(episode.id)
            given = {part.text for part in episode.input}
            strange = next(
                (
                    part
                    for part in request.input
                    if _is_foreign(run, part, given) and run.text(part).strip() not in wordings
                ),
                None,
            )
            holder = _holder(model, episode)
            if strange is not None and (holder is not None or _opened_twice(request)):
                yield _finding(run, model, holder, request, episode, strange)


def _episode(run: Htir, request: TraceStep) -> TraceStep | None:
    """The outermost step around a request that is an agent's episode."""
    around = [step for step in ancestors(run, request) if step.kind is StepKind.TASK]
    return around[-1] if around else None


def _is_foreign(run: Htir, part: Part, given: set[str]) -> bool:
    """Whether the part is a turn of a model, although no model was asked yet and the caller did not hand it in."""
    return part.role == "assistant" and part.text not in given and len(run.text(part)) >= MIN_TEXT


def _opened_twice(request: TraceStep) -> bool:
    """Whether the same system message stands in the request more than once: a chat goes on without a second one."""
    systems = [part.text for part in request.input if part.role == "system"]
    return len(systems) > len(set(systems))


def _finding(
    run: Htir,
    model: HarnessModel,
    holder: tuple[Element, str] | None,
    request: TraceStep,
    episode: TraceStep,
    part: Part,
) -> Finding:
    anchors: list[Anchor] = [as_anchor(holder[0], "holds a mutable class attribute")] if holder else []
    begins = beginning_of(model, episode)
    anchors += [as_anchor(begins, "begins a run", Route.PROBE)] if begins is not None else []
    anchors += [*nearest_anchors(run, episode), *nearest_anchors(run, request)]
    held = f"; `{holder[0].name}.{holder[1]}` belongs to the class" if holder else ""
    return Finding(
        message=f"The first request of {episode.name} ({request.id}) already holds a turn of a model, "
        f"{quote(run.text(part), 80)!r}, that was not given in this run{held}.",
        anchors=one_of_each(anchors),
        responsible_step=episode.id,
        symptom_step=request.id,
        path=(episode.id, request.id),
        key="runs",
        confidence=0.9 if holder else 0.6,
        quotes=((f"{request.id} input", quote(run.text(part))),),
        parameters={"attribute": holder[1]} if holder else {},
    )


def _holder(model: HarnessModel, episode: TraceStep) -> tuple[Element, str] | None:
    for anchor in episode.anchors:
        for element in model.at(anchor.path, anchor.start_line):
            found = names(element.value("mutable-class-attributes")) if element.role is ElementRole.CLASS else []
            for attribute in found:
                if _is_conversation(attribute):
                    return element, attribute
    return None


def _is_conversation(attribute: str) -> bool:
    return any(word in attribute.lower() for word in _CONVERSATION_NAMES)


def _is_agent(model: HarnessModel, element: Element) -> bool:
    roles = (ElementRole.AGENT_LOOP, ElementRole.CONTEXT_BUILDER, ElementRole.MODEL_CALL)
    return bool(model.in_function(element.anchor.path, element.anchor.qualname, *roles))
