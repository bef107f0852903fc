"""T104: the schema that the model is shown and the function that is called disagree."""

from collections.abc import Iterable

from harnessfix.rules._errors import raised
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import tool_call_around
from harnessfix.rules._query import as_anchor, names, nearest_anchors, one_of_each, quote, tool_element
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Property, Severity

# Parameters that frameworks fill in themselves and never describe to the model.
_INJECTED = frozenset(
    {
        "self",
        "cls",
        "ctx",
        "context",
        "run_context",
        "wrapper",
        "state",
        "runtime",
        "config",
        "agent",
        "deps",
        "env",
        "environment",
        "session",
        "tool_call_id",
        "call_id",
        "callbacks",
        "run_manager",
    }
)
_SIGNATURE_WORDS = ("unexpected keyword argument", "required positional argument", "required keyword-only argument")

_AGENT = r'''import json


def search_notes(text, limit):
    """Find notes that hold TEXT."""
    return "\n".join(note for note in ["buy milk", "buy bread"] if text in note)[:limit]


TOOLS = {"search_notes": search_notes}
SCHEMAS = [
    {
        "name": "search_notes",
        "description": "Find notes that hold a text.",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
            "required": ["query"],
        },
    }
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
        try:
            return TOOLS[function["name"]](**json.loads(function["arguments"]))
        except (KeyError, TypeError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

replies = [call("search_notes", {"query": "milk", "limit": 99}), say("I could not look.")]
print(Agent(Model(*replies)).run("Is there milk?"))
"""


class SchemaSignatureDrift(Rule):
    code = "T104"
    name = "schema-signature-drift"
    keeps = Property.EFFECT
    severity = Severity.ERROR
    summary = "The arguments that a tool's schema asks for are not those that its function takes."
    why = (
        "The model does what the schema says and is told that the argument does not exist. Every call of that shape is "
        "rejected; the model guesses, or gives the tool up."
    )
    fix = (
        "Derive the schema from the signature, or correct the one that is wrong; check them against each other "
        "in a test."
    )
    references = ("https://platform.openai.com/docs/guides/function-calling",)
    operator = "sync-schema"
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ('"query": {"type"', '"text": {"type"'), ('["query"]', '["text", "limit"]'))

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Tools whose declared properties and parameters differ."""
        for tool in model.of_role(ElementRole.TOOL):
            strange, lacking = drift(model, tool)
            if not (strange or lacking) or _strangers(model, tool):
                continue
            yield Finding(
                message=f"The schema of {tool.value('tool-name') or tool.name} and `{tool.anchor.qualname}` disagree: "
                f"{_difference(strange, lacking)}.",
                anchors=[as_anchor(tool, "its parameters are not those of its schema")],
                confidence=0.75 if strange else 0.6,
                severity=Severity.WARNING,
                parameters={"undeclared": [*lacking], "unknown": [*strange]},
                missing=("a run in which the tool is called",),
            )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Calls that a function refused because of the names of the arguments that its schema told the model to use."""
        for error in raised(run, "TypeError"):
            message = error.error.message if error.error is not None else ""
            if not any(words in message for words in _SIGNATURE_WORDS):
                continue
            tool, step = _refusing_tool(run, model, error, message)
            strange, lacking = drift(model, tool) if tool is not None else ([], [])
            if tool is None or not (strange or lacking):
                continue
            yield Finding(
                message=f"{tool.value('tool-name') or tool.name} was called as its schema says and refused the call in "
                f"{error.id}: {quote(message, 100)!r}; {_difference(strange, lacking)}.",
                anchors=one_of_each([as_anchor(tool, "its parameters are not those of its schema"), *error.anchors]),
                responsible_step=step.id if step else error.id,
                symptom_step=error.id,
                path=tuple(dict.fromkeys((step.id if step else error.id, error.id))),
                confidence=0.95,
                quotes=((f"{error.id} error", quote(message)),),
                parameters={"undeclared": [*lacking], "unknown": [*strange]},
            )


def drift(model: HarnessModel, tool: Element) -> tuple[list[str], list[str]]:
    """Names that the schema has and the function does not take, and those it requires and the schema does not have."""
    described = names(tool.value("described-params"))
    function = model.function(tool.anchor.path, tool.anchor.qualname)
    # A class may prepare the arguments before its method sees them: what it declares need not be what that one takes.
    if not described or function is None or tool.value("registered-by") == "class":
        return [], []
    params = [name for name in names(function.value("params")) if name not in ("self", "cls")]
    optional = {*names(function.value("optional-params")), *names(function.value("variadic"))}
    takes_any = function.fact("variadic") is not None or bool({"kwargs", "args"} & set(params))
    if takes_any or not params:
        return [], []
    strange = [name for name in described if name not in params]
    lacking = [name for name in params if name not in described and name not in optional and name not in _INJECTED]
    # One object that holds all arguments is another calling convention, not a drift.
    return (
        ([], []) if len(params) == 1 and not set(params) & set(described) and len(described) > 1 else (strange, lacking)
    )


def _strangers(model: HarnessModel, tool: Element) -> bool:
    """Whether schema and function have nothing but a name in common: then somebody between them sorts the arguments, or
    the function is another one of that name, as a method may be that nothing but its name joins to the schema."""
    described, function = names(tool.value("described-params")), model.function(tool.anchor.path, tool.anchor.qualname)
    params = [name for name in names(function.value("params")) if name not in ("self", "cls")] if function else []
    by_name = tool.value("registered-by") == "schema" and "." in tool.anchor.qualname
    return not set(params) & set(described) and (by_name or len(params) != len(described))


def _difference(strange: list[str], lacking: list[str]) -> str:
    words = []
    if strange:
        words.append(f"the function has no parameter {', '.join(strange)}")
    if lacking:
        words.append(f"the schema does not mention {', '.join(lacking)}, which the function requires")
    return "; ".join(words)


def _refusing_tool(
    run: Htir, model: HarnessModel, error: TraceStep, message: str
) -> tuple[Element | None, TraceStep | None]:
    """The tool whose call was refused: by the step it happened in, else by the name that the message begins with."""
    outer = tool_call_around(run, error)
    if outer is not None:
        return tool_element(model, outer), outer
    called = message.partition("(")[0].rpartition(".")[2]
    tools = [t for t in model.of_role(ElementRole.TOOL) if t.anchor.qualname.rpartition(".")[2] == called]
    around = nearest_anchors(run, error)
    step = run.step(error.parent) if error.parent and around else None
    return (tools[0] if len(tools) == 1 else None), step
