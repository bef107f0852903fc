"""G105: what a tool answered stands in the system message."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import (
    added_messages,
    as_anchor,
    asking_anchors,
    names,
    one_of_each,
    place_among,
    quote,
    requests,
    that_ran,
)
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, LinkKind, Property, Severity, StepKind

LEAST = 60  # characters; a shorter text recurs by itself

_AGENT = r'''import json


def read_page(address):
    """Read a web page."""
    return f"Welcome to {address}. Opening hours are from nine to five, and on Sundays from ten to four."


TOOLS = {"read_page": read_page}
SYSTEM_PROMPT = "You are a careful assistant.\nWhat is known so far:\n"


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        notes = []
        for _ in range(5):
            system = {"role": "system", "content": SYSTEM_PROMPT + "\n".join(notes)}
            reply = self.model.query([system, {"role": "user", "content": task}])
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                notes.append(TOOLS[call["function"]["name"]](**json.loads(call["function"]["arguments"])))
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

replies = [call("read_page", {"address": "museum.example"}), say("From nine to five.")]
print(Agent(Model(*replies)).run("When is the museum open?"))
"""


class UntrustedTextAsInstruction(Rule):
    code = "G105"
    name = "untrusted-text-as-instruction"
    keeps = Property.INERTNESS
    severity = Severity.WARNING
    summary = "Tool output is put into the system message."
    why = (
        "Models are trained to obey the system message above all else. A web page, a file or a search result that is "
        "copied into it speaks with the operator's voice, and one sentence in it can turn the agent around."
    )
    fix = (
        "Send tool output in a tool or user message, marked as data; keep the system message to the harness's "
        "own words."
    )
    by_hand = (
        "The text has to move to another message, and what the system message then still says has to be worded anew."
    )
    references = ("https://genai.owasp.org/llmrisk/llm01-prompt-injection/",)
    operator = None
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ('SYSTEM_PROMPT + "\\n".join(notes)}', "SYSTEM_PROMPT}"),
        (
            '[system, {"role": "user", "content": task}]',
            '[system, {"role": "user", "content": "\\n".join([task, *notes])}]',
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """System messages that hold what a tool gave off in the same run; one finding per tool."""
        spoken: set[str] = set()
        given = [run.text(part) for step in run.of_kind(StepKind.TASK) for part in step.input]
        given += [run.text(part) for request in requests(run)[:1] for part in request.input]
        for request, _, parts in added_messages(run):
            for part in parts:
                source = _tool_source(run, request, part, given) if part.role in ("system", "developer") else None
                if source is not None and source.name not in spoken:
                    spoken.add(source.name)
                    yield _finding(run, model, request, part, source)


def _tool_source(run: Htir, request: TraceStep, part: Part, given: list[str]) -> TraceStep | None:
    """The tool whose output stands in the part, unless both only repeat what the run was given."""
    place = place_among(request.input, part)
    for link in run.links_to(request.id, LinkKind.COPIED, LinkKind.TRUNCATED):
        span, source = link.target_span, run.step(link.source)
        if span is None or span.part != place or span.side != "in" or link.source_span is None:
            continue
        if source.kind not in (StepKind.TOOL_CALL, StepKind.RETRIEVAL) or link.source_span.side != "out":
            continue
        copied = run.text(part)[span.start : span.end].strip()
        if len(copied) >= LEAST and not any(copied in text for text in given):
            return source
    return None


def _finding(run: Htir, model: HarnessModel, request: TraceStep, part: Part, source: TraceStep) -> Finding:
    anchors: list[Anchor] = list(asking_anchors(run, request))
    built = that_ran(run, model.of_role(ElementRole.CONTEXT_BUILDER))
    builders = [b for b in built if "system" in names(b.value("appends-role"))]
    named = [as_anchor(builder, "makes the system message") for builder in builders]
    return Finding(
        message=f"What {source.name} ({source.id}) answered stands in the {part.role} message of request {request.id}: "
        f"{quote(run.output_text(source), 90)!r}.",
        anchors=one_of_each([*named, *anchors]),
        responsible_step=request.id,
        symptom_step=request.id,
        path=(source.id, request.id),
        key=part.role,
        confidence=0.8,
        evidence=Evidence.DERIVED,
        quotes=((f"{source.id} output", quote(run.output_text(source))),),
    )
