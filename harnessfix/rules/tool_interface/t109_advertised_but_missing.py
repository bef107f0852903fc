"""T109: the model is offered a tool that cannot be called."""

from collections.abc import Iterable

from harnessfix.rules._calls import Asked, asked
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import added_messages, as_anchor, names, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

_AGENT = r'''import json


def read_note(name):
    """Read a note by its name."""
    return "water the plants"


TOOLS = {"read_note": read_note}
SCHEMAS = [
    {
        "name": "read_note",
        "description": "Read a note.",
        "parameters": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
    {
        "name": "delete_note",
        "description": "Delete a note.",
        "parameters": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
]


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages, SCHEMAS)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                answer = self.execute(call["function"])
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})

    def execute(self, function):
        tool = TOOLS.get(function["name"])
        if tool is None:
            return f"There is no tool {function['name']}."
        return tool(**json.loads(function["arguments"]))
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

print(Agent(Model(call("delete_note", {"name": "todo"}), say("I cannot."))).run("Delete the list."))
"""


class AdvertisedButMissing(Rule):
    code = "T109"
    name = "advertised-but-missing"
    keeps = Property.EFFECT
    severity = Severity.ERROR
    summary = "A schema offers the model a tool that no code answers to."
    why = (
        "The model plans with what it is offered. It calls the tool, is told that there is none, and calls it "
        "again, for its schema is in every request."
    )
    fix = "Make the list of schemas from the functions that exist, or write the function."
    references = ("https://platform.openai.com/docs/guides/function-calling",)
    operator = "sync-schema"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ('TOOLS = {"read_note": read_note}', 'TOOLS = {"read_note": read_note, "delete_note": read_note}'),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Calls of a declared tool that no step ran and that were answered with the word that there is none."""
        schemas = {
            name: registry
            for registry in model.of_role(ElementRole.TOOL_REGISTRY)
            if registry.fact("schema")
            for name in names(registry.value("tools"))
        }
        if not schemas:
            return
        ran = {step.name for step in run.of_kind(StepKind.TOOL_CALL)}
        ran |= {str(tool.value("tool-name") or tool.name) for tool in model.of_role(ElementRole.TOOL)}
        answers = {
            part.call_id: (step, part) for step, _, parts in added_messages(run) for part in parts if part.call_id
        }
        spoken: set[str] = set()
        for call in asked(run):
            if call.name not in schemas or call.name in ran or call.name in spoken or not call.part.call_id:
                continue
            request, part = answers.get(call.part.call_id, (None, None))
            text = run.text(part) if part is not None else ""
            if request is None or not _denies(text, call.name):
                continue
            spoken.add(call.name)
            yield _finding(schemas[call.name], call, request, text)


def _denies(text: str, name: str) -> bool:
    """Whether an answer says that there is no such tool."""
    said = text.lower()
    signs = ("no tool", "unknown tool", "not found", "no such", "not available", "unknown function", "does not exist")
    return name.lower() in said and len(text) < 1000 and any(sign in said for sign in signs)


def _finding(schema: Element, call: Asked, request: TraceStep, text: str) -> Finding:
    anchors: list[Anchor] = [as_anchor(schema, "offers a tool that does not exist")]
    return Finding(
        message=f"The reply {call.step.id} called {call.name!r}, which {schema.anchor.place} offers, and was answered "
        f"{quote(text, 80)!r} in {request.id}: no function of the harness goes by that name.",
        anchors=one_of_each(anchors),
        responsible_step=call.step.id,
        symptom_step=request.id,
        path=tuple(dict.fromkeys((call.step.id, request.id))),
        key=call.name,
        confidence=0.85,
        evidence=Evidence.DERIVED,
        quotes=((f"{request.id} input", quote(text)),),
        parameters={"name": call.name},
    )
