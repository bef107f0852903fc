"""T105: a tool name that nobody registered ends the run, or is passed over in silence."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from harnessfix.rules._calls import Asked, asked
from harnessfix.rules._errors import escaped_to, raised, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import added_messages, ancestors, as_anchor, names, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

_RUNS = re.compile(r"'NoneType' object has no attribute '_?(a?invoke|a?run|a?call|__call__|execute|func|fn)'$")
_LOOKUP_ERRORS = ("KeyError", "AttributeError", "TypeError", "StopIteration", "IndexError", "ValueError", "LookupError")

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
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": self.execute(call["function"])})

    def execute(self, function):
        name = function["name"]
        tool = TOOLS[name]
        return tool(**json.loads(function["arguments"]))
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

replies = [call("open_note", {"name": "todo"}), call("read_note", {"name": "todo"}), say("Water the plants.")]
print(Agent(Model(*replies)).run("What is on my list?"))
"""


class UnknownToolFatal(Rule):
    code = "T105"
    name = "unknown-tool-fatal"
    keeps = Property.CONTAINMENT
    severity = Severity.ERROR
    summary = "A call of a tool that does not exist ends the run."
    why = (
        "Models invent tools, and remember some that were offered elsewhere. Told which ones exist they choose "
        "another; a `KeyError` in the look-up tells them nothing and throws the run away."
    )
    fix = "Answer the call: there is no such tool, these are the ones there are."
    references = ("https://platform.openai.com/docs/guides/function-calling",)
    operator = "return-parse-error"
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(
        bad,
        "agent.py",
        (
            "        tool = TOOLS[name]\n",
            "        tool = TOOLS.get(name)\n"
            "        if tool is None:\n"
            "            return f\"There is no tool {name}, only {', '.join(TOOLS)}.\"\n",
        ),
        exit_code=0,
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Look-ups by a name of the model's choice without a branch for a miss."""
        registries = list(model.of_role(ElementRole.TOOL_REGISTRY))
        known = {registry.name for registry in registries if registry.fact("collection")}
        for lookup in registries:
            if lookup.value("lookup") != "subscript" or lookup.fact("handles-miss"):
                continue
            if str(lookup.value("collection-name")).rpartition(".")[2] in known:
                yield Finding(
                    message=f"`{lookup.name}` is looked up by the name that a model gave, without a branch for a name "
                    "that is not in it.",
                    anchors=[as_anchor(lookup, "the look-up")],
                    confidence=0.5,
                    severity=Severity.INFO,
                    evidence=Evidence.DERIVED,
                    parameters={"registry": lookup.name},
                    missing=("a run in which the model names a tool that does not exist",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Calls of tools that are not registered, and right after them an exception that nothing contained, or the bare
        error of the look-up as all that the model is told."""
        errors = list(raised(run, *_LOOKUP_ERRORS))
        if not errors:
            return
        known = {name for e in model.of_role(ElementRole.TOOL_REGISTRY) for name in names(e.value("tools"))}
        known |= {str(tool.value("tool-name") or tool.name) for tool in model.of_role(ElementRole.TOOL)}
        known |= {step.name for step in run.of_kind(StepKind.TOOL_CALL)}
        answers = {request.id: parts for request, _, parts in added_messages(run)}
        none = _nothing_to_run(run, model, errors)
        for call in asked(run):
            if call.name in known or not call.name:
                continue
            later = (e for e in errors if run.place(e.id) > run.place(call.step.id)) if known else ()
            error = next((e for e in later if _is_about(call, e) or _is_of_miss(run, model, e)), none.get(call.step.id))
            ended = escaped_to(run, error) if error is not None else None
            if error is not None and ended is not None:
                yield _finding(run, model, call, error, ended, sure=bool(known))
            elif error is not None and short_type(error.error) == "KeyError":
                told = next((step for step in answers if run.place(step) > run.place(error.id)), None)
                said = "\n".join(run.text(part) for part in answers[told]) if told is not None else ""
                if told is not None and not any(re.search(rf"\b{re.escape(name)}\b", said) for name in known):
                    yield _unhelpful(run, model, call, error, told, said)


def _is_about(call: Asked, error: TraceStep) -> bool:
    """Whether the exception is about the name alone, denies that there is such a tool, or comes of calling None."""
    message = error.error.message if error.error is not None else ""
    if short_type(error.error) == "KeyError" and f"'{call.name}'" in message:
        return True  # a key may be more than the name: its sort or its server, too
    if short_type(error.error) in ("KeyError", "AttributeError", "LookupError"):
        return message.strip("'\"") == call.name or (f"'{call.name}'" in message and "has no attribute" in message)
    denies = any(words in message.lower() for words in ("unknown", "not found", "no tool", "no such", "not available"))
    return (denies and call.name in message) or message == "'NoneType' object is not callable"


def _is_of_miss(run: Htir, model: HarnessModel, error: TraceStep) -> bool:
    """Whether the function that looks the tool up asked None, which it found, for something."""
    message = error.error.message if error.error is not None else ""
    return message.startswith("'NoneType' object has no attribute") and _lookup(run, model, error) is not None


def _nothing_to_run(run: Htir, model: HarnessModel, errors: Sequence[TraceStep]) -> dict[str, TraceStep]:
    """Replies to the first failure after each of a function that runs tools and had None to run, however it came by it.

    A look-up that has a branch for a miss gave no None.
    """
    steps = [call.step.id for call in asked(run)]
    places = [run.place(step) for step in steps]
    found: dict[str, TraceStep] = {}
    for error in errors:
        message = error.error.message if error.error is not None else ""
        named = (anchor.qualname.rpartition(".")[2].lower() for anchor in error.anchors[:1])
        if not _RUNS.match(message) or not any("tool" in name for name in named):
            continue
        lookup, at = _lookup(run, model, error), bisect_left(places, run.place(error.id))
        if at and (lookup is None or not lookup.fact("handles-miss")):
            found.setdefault(steps[at - 1], error)
    return found


def _finding(run: Htir, model: HarnessModel, call: Asked, error: TraceStep, ended: TraceStep, *, sure: bool) -> Finding:
    lookup = _lookup(run, model, error)
    anchors: list[Anchor] = [as_anchor(lookup, "the look-up without a branch for a miss")] if lookup else []
    known = "of this harness" if sure else "that is known here"
    responsible = error.parent or error.id
    return Finding(
        message=f"The reply {call.step.id} called {quote(call.name, 40)!r}, which is no tool {known}; "
        f"{short_type(error.error)} was raised in {error.id}, nothing answered the model, and it ended {ended.name} "
        f"({ended.id}).",
        anchors=one_of_each([*anchors, *error.anchors]),
        responsible_step=responsible,
        symptom_step=ended.id,
        path=tuple(dict.fromkeys((call.step.id, responsible, error.id, ended.id))),
        confidence=0.95 if sure else 0.75,
        quotes=((f"{call.step.id} output", quote(call.name)),),
        parameters={"registry": lookup.name} if lookup else {},
    )


def _unhelpful(run: Htir, model: HarnessModel, call: Asked, error: TraceStep, told: str, said: str) -> Finding:
    lookup = _lookup(run, model, error)
    anchors: list[Anchor] = [as_anchor(lookup, "the look-up without a branch for a miss")] if lookup else []
    return Finding(
        message=f"The reply {call.step.id} called {quote(call.name, 40)!r}, which is no tool of this harness; the "
        f"KeyError of the look-up ({error.id}) is all that was answered ({told}: {quote(said, 60)!r}), and no tool "
        "that exists was named.",
        anchors=one_of_each([*anchors, *error.anchors]),
        responsible_step=error.parent or error.id,
        symptom_step=told,
        path=tuple(dict.fromkeys((call.step.id, error.parent or error.id, error.id, told))),
        confidence=0.8,
        severity=Severity.WARNING,
        quotes=((f"{told} input", quote(said)),),
        parameters={"registry": lookup.name} if lookup else {},
    )


def _lookup(run: Htir, model: HarnessModel, error: TraceStep) -> Element | None:
    """The look-up in the function that raised, or in one around it."""
    for step in (error, *ancestors(run, error)):
        for anchor in step.anchors:
            for element in model.in_function(anchor.path, anchor.qualname, ElementRole.TOOL_REGISTRY):
                if element.fact("lookup"):
                    return element
    return None
