"""C105: the beginning of every request changes, so that nothing of it can be cached."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from harnessfix.rules import _templates as templates
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, asking_anchors, events, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Route, Severity

LEAST_BREAKS = 2
LEAST_LOST = 1_000  # characters behind the change; below it no provider caches
EARLY_SHARE = 0.25  # a change in the first quarter of a request defeats most of its cache
SMALL_CHANGE = 200  # characters; a larger one is new content, not a clock

_AGENT = r"""import uuid

RULES = "Answer with one word. " * 60


class Agent:
    def __init__(self, model):
        self.model = model
        self.messages = []

    def run(self, task):
        self.messages = [{"role": "user", "content": task}]
        for _ in range(6):
            reply = self.model.query(self.build_messages())
            self.messages.append(reply)
            if reply["content"] == "done":
                return
            self.messages.append({"role": "user", "content": f"You said {reply['content']}. Go on."})

    def build_messages(self):
        system_prompt = f"Request {uuid.uuid4()}. You are a careful assistant.\n{RULES}"
        return [{"role": "system", "content": system_prompt}, *self.messages]
"""
_MAIN = r"""from agent import Agent
from model import Model, say

Agent(Model(say("one"), say("two"), say("three"), say("done"))).run("Count to three.")
"""


@dataclass(frozen=True)
class _Break:
    """Where a request first differs from the one before it: the step, the part, the offset, and both wordings there."""

    step: TraceStep
    part: int
    offset: int
    was: str
    now: str
    behind: int


class UnstablePrefix(Rule):
    code = "C105"
    name = "unstable-prefix"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "Something near the top of the prompt changes with every request."
    why = (
        "Providers reuse what two requests have in common at their beginning, at a tenth of the price. A clock, "
        "an id or a shuffled list near the top makes every call pay in full and wait for all of it, although the "
        "history only grows."
    )
    fix = "Move what changes to the end of the request, or compute it once per run; sort what has no order of its own."
    references = (
        "https://platform.openai.com/docs/guides/prompt-caching",
        "https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching",
    )
    operator = "stabilise-prefix"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ("        self.messages = []\n\n", "        self.messages = []\n        self.run_id = uuid.uuid4()\n\n"),
        ("{uuid.uuid4()}", "{self.run_id}"),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Places near the top that differ, by little, from one request to the next, at least twice."""
        groups: dict[tuple[str | None, int, int], list[_Break]] = defaultdict(list)
        for step in run.with_event("prefix_broken"):
            for event in events(step, "prefix_broken"):
                found = _early_break(run, step, event.attributes)
                if found is not None:
                    groups[step.agent, found.part, found.offset // SMALL_CHANGE].append(found)
        for breaks in groups.values():
            if len(breaks) >= LEAST_BREAKS:
                yield _finding(run, model, breaks)


def _early_break(run: Htir, step: TraceStep, attributes: dict[str, JsonValue]) -> _Break | None:
    part, offset, previous = attributes.get("part"), attributes.get("offset"), attributes.get("previous")
    if not isinstance(part, int) or not isinstance(offset, int) or not isinstance(previous, str):
        return None
    before = run.step(previous)
    if part >= len(step.input) or part >= len(before.input) or attributes.get("dropped", 0) not in (0, 1):
        return None
    held = {piece.text for piece in before.input}
    if step.input[part].text in held or len(step.input) < len(before.input):
        return None  # a window moved over the history
    now, was = run.text(step.input[part]), run.text(before.input[part])
    sizes = [len(run.text(piece)) for piece in step.input]
    ahead, whole = sum(sizes[:part]) + offset, sum(sizes)
    same_end = _common_end(was, now, offset)
    change = max(len(was), len(now)) - offset - same_end
    if ahead > EARLY_SHARE * whole or whole - ahead < LEAST_LOST or change > SMALL_CHANGE:
        return None
    return _Break(
        step, part, offset, was[offset : len(was) - same_end], now[offset : len(now) - same_end], whole - ahead
    )


def _common_end(first: str, second: str, offset: int) -> int:
    limit = min(len(first), len(second)) - offset
    for size in range(limit):
        if first[len(first) - 1 - size] != second[len(second) - 1 - size]:
            return size
    return max(limit, 0)


def _finding(run: Htir, model: HarnessModel, breaks: list[_Break]) -> Finding:
    first = breaks[0]
    where = ", ".join(found.step.id for found in breaks[:6])
    anchors, parameters = _place(run, model, first)
    return Finding(
        message=f"Requests {where} differ from the one before them at character {first.offset:,} of message "
        f"{first.part}: {quote(first.was, 40)!r} became {quote(first.now, 40)!r}. What follows, "
        f"{breaks[-1].behind:,} characters in {breaks[-1].step.id}, cannot be cached.",
        anchors=anchors,
        responsible_step=first.step.id,
        symptom_step=breaks[-1].step.id,
        path=tuple(found.step.id for found in breaks[:10]),
        confidence=0.9 if "placeholder" in parameters else 0.75,
        evidence=Evidence.OBSERVED,
        quotes=((f"{first.step.id} input", quote(first.now)),),
        parameters=parameters,
    )


def _place(run: Htir, model: HarnessModel, found: _Break) -> tuple[tuple[Anchor, ...], dict[str, JsonValue]]:
    text = run.text(found.step.input[found.part])
    parameters: dict[str, JsonValue] = {}
    anchors: list[Anchor] = []
    for fit in templates.renderings(model, text):
        hole = next((h for h in fit.holes if h.start <= found.offset < max(h.end, h.start + 1)), None)
        if hole is not None:
            anchors.append(as_anchor(fit.prompt, "holds what changes", Route.LITERAL_MATCH))
            parameters["placeholder"] = hole.placeholder
            break
    return one_of_each([*anchors, *asking_anchors(run, found.step)]), parameters
