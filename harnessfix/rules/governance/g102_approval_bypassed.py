"""G102: what was approved on one path is done on another without asking."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import callers_told
from harnessfix.rules._query import as_anchor, nearest_anchors, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, LinkKind, Property, Severity, StepKind

_AGENT = r'''import json


def approve(name, arguments):
    """Ask for permission."""
    return arguments.get("path", "").startswith("tmp/")


def delete_file(path):
    """Delete a file."""
    return f"deleted {path}"


TOOLS = {"delete_file": delete_file}


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
                run_call = self.retry if self.failed(messages) else self.execute
                answer = run_call(call["function"]["name"], json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})

    def failed(self, messages):
        return any(message["content"].startswith("refused") for message in messages)

    def execute(self, name, arguments):
        if not approve(name, arguments):
            return "refused: not approved"
        return TOOLS[name](**arguments)

    def retry(self, name, arguments):
        return TOOLS[name](**arguments)
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

replies = [
    call("delete_file", {"path": "tmp/a"}, "call_0"),
    call("delete_file", {"path": "src/b"}, "call_1"),
    call("delete_file", {"path": "src/b"}, "call_2"),
    say("done"),
]
print(Agent(Model(*replies)).run("Tidy up."))
"""


class ApprovalBypassed(Rule):
    code = "G102"
    name = "approval-bypassed"
    keeps = Property.AUTHORITY
    severity = Severity.ERROR
    summary = "A tool that runs behind an approval on one path runs without it on another."
    why = (
        "The user said what may be done and under which check. A second call site without the gate, for retries, for "
        "batches, for a sub-agent, makes that answer worthless, and nobody sees it in the ordinary case."
    )
    fix = "Move the gate into the one function that every call of the tool goes through."
    references = (
        "https://github.com/openai/openai-agents-python/pull/3867",
        "https://genai.owasp.org/llmrisk/llm062025-excessive-agency/",
    )
    operator = "route-through-gate"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            "    def retry(self, name, arguments):\n        return TOOLS[name](**arguments)\n",
            "    def retry(self, name, arguments):\n        return self.execute(name, arguments)\n",
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Tools that ran behind a guard from one function and without one from another; one finding per tool."""
        if not run.links_of_kind(LinkKind.GUARDED_BY):
            return
        guarded: dict[str, tuple[TraceStep, str, str]] = {}
        for step in run.of_kind(StepKind.TOOL_CALL):
            guards = [run.step(link.source) for link in run.links_to(step.id, LinkKind.GUARDED_BY)]
            asked = next((guard.name for guard in guards if guard.kind is StepKind.GUARD), None)
            if asked is not None:
                guarded.setdefault(step.name, (step, _caller(step), asked))
        spoken: set[str] = set()
        for step in run.of_kind(StepKind.TOOL_CALL):
            behind = guarded.get(step.name)
            if behind is None or step.name in spoken or run.links_to(step.id, LinkKind.GUARDED_BY):
                continue
            caller = _caller(step)
            if caller and behind[1] and caller != behind[1] and not _guard_around(run, step):
                spoken.add(step.name)
                yield _finding(run, model, step, *behind, caller)


def _caller(step: TraceStep) -> str:
    """`path:qualname` of the harness function that called the tool, empty when it was not recorded."""
    return next((f"{path}:{qualname}" for path, qualname in callers_told(step)), "")


def _guard_around(run: Htir, step: TraceStep) -> bool:
    """Whether a guard was asked earlier inside the same step around the tool: approval for a whole batch."""
    siblings = run.children(step.parent) if step.parent is not None else ()
    last = None
    for sibling in siblings:
        if sibling.id == step.id:
            return last is not None and last.kind is StepKind.GUARD
        if sibling.kind in (StepKind.GUARD, StepKind.MODEL_CALL):
            last = sibling
    return False


def _finding(
    run: Htir, model: HarnessModel, step: TraceStep, approved: TraceStep, gated: str, guard: str, caller: str
) -> Finding:
    path, _, qualname = caller.partition(":")
    function: Element | None = model.function(path, qualname.replace(".<locals>", ""))
    anchors: list[Anchor] = [as_anchor(function, "calls the tool without asking")] if function is not None else []
    asked = run.input_text(step)
    return Finding(
        message=f"{step.name} ({step.id}) ran without approval, called from {qualname} with {quote(asked, 60)!r}; in "
        f"{approved.id}, called from {gated.partition(':')[2]}, it was approved first.",
        anchors=one_of_each([*anchors, *nearest_anchors(run, step)]),
        responsible_step=step.id,
        symptom_step=step.id,
        path=tuple(dict.fromkeys((approved.id, step.id))),
        key=step.name,
        confidence=0.8,
        evidence=Evidence.DERIVED,
        quotes=((f"{step.id} input", quote(asked)),),
        parameters={"gate": gated, "guard": guard},
    )
