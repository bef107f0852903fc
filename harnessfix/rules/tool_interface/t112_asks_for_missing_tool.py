"""T112: the harness tells the model to call a tool, and offers none."""

import re
from collections.abc import Iterable

from harnessfix.rules import _templates as templates
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import added_messages, as_anchor, asking_anchors, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, LinkKind, Property, Route, Severity, StepKind

LONGEST = 2000  # characters; in a longer text the words may be anybody's
_ASKS = re.compile(
    r"\b(?:call|use|invoke|make)\s+(?:a|an|the|any|one of (?:the|your)|at least one|exactly one)\s+"
    r"(?:\w+\s+){0,2}tools?\b|"
    r"\b(?:tool|function) call (?:is|was) (?:required|expected|missing)",
    re.IGNORECASE,
)

_AGENT = r"""class Agent:
    def __init__(self, model, tools=()):
        self.model = model
        self.tools = {tool.__name__: tool for tool in tools}

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages, tools=list(self.tools))
            messages.append(reply)
            if reply["content"]:
                return reply["content"]
            messages.append({"role": "user", "content": "Please answer with text or call a tool."})
"""
_MAIN = r"""from agent import Agent
from model import Model, say

print(Agent(Model(say(""), say("Paris"))).run("Name the capital of France."))
"""


class AsksForMissingTool(Rule):
    code = "T112"
    name = "asks-for-missing-tool"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A message of the harness tells the model to call a tool in a request that offers none."
    why = (
        "The model does as it is told and invents a tool. What comes back is that there is no such tool, the retry is "
        "spent, and a question that it could have answered in words ends in an error."
    )
    fix = "Mention tools only where some are offered, and name them."
    by_hand = (
        "Which tools are offered is known when the request is made; how the message is worded without them is for "
        "its author."
    )
    references = ("https://github.com/pydantic/pydantic-ai/pull/4234",)
    operator = None
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            '            messages.append({"role": "user", "content": "Please answer with text or call a tool."})\n',
            '            choice = " or call a tool" if self.tools else ""\n'
            '            messages.append({"role": "user", "content": f"Please answer with text{choice}."})\n',
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Messages of its own that the harness added after a reply, asking for a tool where the request offers none."""
        spoken: set[str] = set()
        for request, before, parts in added_messages(run):
            if before is None or not _offers_nothing(request):
                continue
            for number, part in enumerate(request.input):
                text = run.text(part)
                if not any(part is new for new in parts) or part.role not in ("user", "system", "tool"):
                    continue
                found = _ASKS.search(text) if len(text) <= LONGEST and not _foreign(run, request, number) else None
                if found is not None and text not in spoken:
                    spoken.add(text)
                    yield _finding(run, model, before, request, text, found.group())


def _offers_nothing(request: TraceStep) -> bool:
    """Whether the request was recorded with a list of tools, and every such list is empty."""
    lists = list(_tool_lists(request.attributes.get("arguments"), 0))
    return bool(lists) and not any(lists)


def _tool_lists(value: JsonValue, depth: int) -> Iterable[list[JsonValue]]:
    if not isinstance(value, dict) or depth > 2:
        return
    for name, item in value.items():
        if name.endswith("tools") and isinstance(item, list):
            yield item
        else:
            yield from _tool_lists(item, depth + 1)


def _foreign(run: Htir, request: TraceStep, number: int) -> bool:
    """Whether the message holds what a tool or the caller said."""
    for link in run.links_to(request.id, LinkKind.COPIED, LinkKind.TRUNCATED, LinkKind.TRANSFORMED):
        span, source = link.target_span, run.step(link.source)
        here = span is not None and span.side == "in" and span.part == number
        if here and source.kind in (StepKind.TOOL_CALL, StepKind.RETRIEVAL, StepKind.TASK):
            return True
    return False


def _raising(run: Htir, before: TraceStep, request: TraceStep, text: str) -> tuple[Anchor, ...]:
    """Where an exception was raised whose message became the text."""
    between = run.steps[run.place(before.id) : run.place(request.id)]
    raising = [s for s in between if s.name.startswith("raise") and s.error is not None and s.error.message in text]
    return raising[-1].anchors if raising and raising[-1].error and raising[-1].error.message.strip() else ()


def _finding(run: Htir, model: HarnessModel, before: TraceStep, request: TraceStep, text: str, words: str) -> Finding:
    fit = next(templates.renderings(model, text), None)
    worded: list[Anchor] = [a for a in request.anchors if a.route is Route.LITERAL_MATCH]
    if fit is not None:
        worded.insert(0, as_anchor(fit.prompt, "words the message", Route.LITERAL_MATCH))
    return Finding(
        message=f"Request {request.id} tells the model {quote(text, 90)!r} ({words!r}) and offers it no tool.",
        anchors=one_of_each([*worded, *_raising(run, before, request, text), *asking_anchors(run, request)]),
        responsible_step=request.id,
        symptom_step=request.id,
        path=tuple(dict.fromkeys((before.id, request.id))),
        confidence=0.8,
        evidence=Evidence.OBSERVED,
        quotes=((f"{request.id} input", quote(text)),),
    )
