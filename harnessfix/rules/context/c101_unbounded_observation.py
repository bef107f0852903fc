"""C101: one output enters the prompt whole, far above its neighbours."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from harnessfix.rules import _templates as templates
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._observations import Observation, observations
from harnessfix.rules._query import (
    as_anchor,
    asking_anchors,
    events,
    hazards,
    nearest_anchors,
    one_of_each,
    place_among,
    quote,
    went_through,
)
from harnessfix.rules._reach import is_driven, model_driven, reached_from
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, LinkKind, Property, Route, Severity, StepKind

FLOOR = 20_000  # characters; what coding agents commonly allow one observation to have
FLOOR_WITHOUT_NEIGHBOURS = 60_000
TIMES_MEDIAN = 10
TIMES_OWN_BOUND = 3
LEAST_BOUND = 500  # characters; a smaller one bounds titles and log lines
_MARKER = re.compile(
    r"\d[\d,._ ]*\s*(?:more\s+)?(?:characters|chars|lines|bytes|tokens)\s+(?:were\s+|have been\s+)?"
    r"(?:omitted|truncated|elided|skipped|cut|left out|removed|not shown)"
    r"|(?:omitted|truncated|elided|skipped)\W{1,3}\d[\d,._]*\s*(?:characters|chars|lines|bytes|tokens)"
    r"|(?:\.\.\.|…|\[|<)\s*(?:output\s+)?(?:was\s+)?(?:truncated|omitted|elided)"
    r"|\b(?:was|were|been|is)\s+(?:truncated|shortened|cut off|elided)\b",
    re.IGNORECASE,
)

_AGENT = """\
import subprocess

OBSERVATION_TEMPLATE = "<output>\\n{output}\\n</output>"
TIMEOUT_TEMPLATE = "The command timed out. Its output so far:\\n<output>\\n{output}\\n</output>\\nTry another one."
LIMIT = 2000


def shorten(text):
    if len(text) <= LIMIT:
        return text
    return f"{text[: LIMIT // 2]}\\n[{len(text) - LIMIT} characters left out]\\n{text[-LIMIT // 2 :]}"


class Agent:
    def __init__(self, model):
        self.model = model
        self.messages = []

    def run(self, task):
        self.messages = [{"role": "user", "content": task}]
        for _ in range(10):
            reply = self.model.query(self.messages)
            self.messages.append(reply)
            if reply["content"] == "done":
                return
            self.messages.append({"role": "user", "content": self.execute(reply["content"])})

    def execute(self, command):
        try:
            done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=0.5)
            return OBSERVATION_TEMPLATE.format(output=shorten(done.stdout))
        except subprocess.TimeoutExpired as expired:
            return TIMEOUT_TEMPLATE.format(output=(expired.output or b"").decode())
"""
_MAIN = """\
from agent import Agent
from model import Model, say

commands = ["echo one", "yes | head -c 9000", "yes AAAAAAAA | head -c 200000; exec sleep 2", "done"]
Agent(Model(*map(say, commands))).run("look around")
"""


class UnboundedObservation(Rule):
    code = "C101"
    name = "unbounded-observation"
    keeps = Property.CONSERVATION
    severity = Severity.ERROR
    summary = "An output enters the prompt whole, however long it is."
    why = (
        "One long output fills the context: every later call pays for it, earlier evidence is pushed out, or the "
        "provider refuses the request. Harnesses usually bound the ordinary path and forget another one: the text of a "
        "timeout, of an exception, of a rejected reply."
    )
    fix = (
        "Bound the text on every path that leads into the prompt: keep head and tail, say how much is missing, keep "
        "the whole in the trace. Use the bound that the harness has elsewhere."
    )
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/pull/639",
        "https://arxiv.org/abs/2606.06324",
    )
    operator = "bound-observation"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad, "agent.py", ('output=(expired.output or b"").decode()', 'output=shorten((expired.output or b"").decode())')
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Functions that are there to bound a text and do not."""
        for element in hazards(model, "cuts-nothing"):
            yield Finding(
                f"{element.anchor.qualname} is told how long a text may be, and gives {element.value('name')} back.",
                [as_anchor(element, "cuts nothing")],
                confidence=0.6,
                evidence=Evidence.DERIVED,
                severity=Severity.WARNING,
                missing=("a run with a long text",),
            )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """One finding per place that let a far too long text through."""
        seen = observations(run)
        if all(len(one.text) < FLOOR for one in seen):
            return
        usual = median(len(one.text) for one in seen) if len(seen) > 2 else None
        norm = _own_norm(model)
        for one in sorted(seen, key=lambda one: -len(one.text)):
            if len(one.text) < FLOOR:
                break
            if _stands_out(len(one.text), usual, norm) and not _was_cut(run, one):
                yield _finding(run, model, one, usual, norm)


@dataclass(frozen=True)
class _Norm:
    """A bound that the harness itself puts on some observation: where, and how many characters when that is known."""

    element: Element
    limit: int | None

    @property
    def words(self) -> str:
        return f"at {self.limit:,} characters" if self.limit is not None else "what it shows"


def _finding(run: Htir, model: HarnessModel, one: Observation, usual: float | None, norm: _Norm | None) -> Finding:
    source = _origin(run, one)
    anchors, parameters = _responsible(run, model, one, source)
    words = f"{len(one.text):,} characters entered request {one.request.id} whole"
    if source is not None:
        words += f", from {source.name} ({source.id})"
    if norm is not None:
        words += f"; {norm.element.anchor.place} cuts {norm.words}, this path cuts nothing"
        parameters |= {"limit": norm.limit} if norm.limit is not None else {}
    elif usual is not None:
        words += f"; the other observations of this run have {usual:,.0f} at the median"
    responsible = source.id if source is not None else one.request.id
    return Finding(
        message=words + ".",
        anchors=anchors,
        responsible_step=responsible,
        symptom_step=one.request.id,
        path=tuple(dict.fromkeys((responsible, one.request.id))),
        confidence=0.93 if norm is not None else 0.8,
        quotes=((f"{one.request.id} input", quote(one.text)),),
        parameters=parameters,
    )


def _own_norm(model: HarnessModel) -> _Norm | None:
    """The largest bound in characters on the way from tools to prompts, else a template that cuts what it shows."""
    building = (b.anchor.symbol for b in model.of_role(ElementRole.CONTEXT_BUILDER))
    way = model_driven(model) | reached_from(model, building, depth=2)
    norms = []
    for cut in model.of_role(ElementRole.TRUNCATION):
        limit = cut.value("limit-value")
        if (
            isinstance(limit, int)
            and limit >= LEAST_BOUND
            and cut.value("unit") == "characters"
            and is_driven(way, cut)
        ):
            norms.append(_Norm(cut, limit))
    if norms:
        return max(norms, key=lambda norm: norm.limit or 0)
    templates_that_cut = (p for p in model.of_role(ElementRole.PROMPT) if p.fact("bounded-placeholders"))
    return next((_Norm(prompt, None) for prompt in templates_that_cut if prompt.fact("is-observation")), None)


def _stands_out(size: int, usual: float | None, norm: _Norm | None) -> bool:
    if norm is not None and size >= (TIMES_OWN_BOUND * norm.limit if norm.limit else 2 * FLOOR):
        return True
    return size >= FLOOR_WITHOUT_NEIGHBOURS if usual is None else size >= TIMES_MEDIAN * usual


def _was_cut(run: Htir, one: Observation) -> bool:
    place = place_among(one.request.input, one.part)
    for link in run.links_to(one.request.id, LinkKind.TRUNCATED):
        if link.target_span is not None and link.target_span.side == "in" and link.target_span.part == place:
            return True
    # What the probe saw cut to about this length is no text that came in whole, whether the cut is marked or not.
    kept = (event.attributes.get("after") for step in run.with_event("cut") for event in events(step, "cut"))
    if any(isinstance(size, int) and size <= len(one.text) <= 2 * size for size in kept):
        return True
    return _MARKER.search(one.text) is not None


def _origin(run: Htir, one: Observation) -> TraceStep | None:
    """The step whose output is the text or most of it: the last one before the request."""
    place = place_among(one.request.input, one.part)
    best: tuple[int, TraceStep] | None = None
    for link in run.links_to(one.request.id, LinkKind.COPIED, LinkKind.TRANSFORMED):
        span, source = link.target_span, run.step(link.source)
        if span is None or span.side != "in" or span.part != place or source.kind is StepKind.MODEL_CALL:
            continue
        if 2 * (span.end - span.start) >= len(one.text) and (best is None or span.end - span.start >= best[0]):
            best = (span.end - span.start, source)
    return None if best is None else best[1]


def _responsible(
    run: Htir, model: HarnessModel, one: Observation, source: TraceStep | None
) -> tuple[tuple[Anchor, ...], dict[str, JsonValue]]:
    """The template that worded the text; else the tool where tools bound their own output, else what appends it."""
    parameters: dict[str, JsonValue] = {}
    idle = (element for element in hazards(model, "cuts-nothing") if went_through(run, element))
    anchors = [as_anchor(element, "cuts nothing") for element in idle]
    fit = next(templates.renderings(model, one.text), None)
    if fit is not None and fit.widest is not None and not templates.is_bounded(fit.prompt, fit.widest.placeholder):
        anchors.append(as_anchor(fit.prompt, "the template that worded this text", Route.LITERAL_MATCH))
        parameters["placeholder"] = fit.widest.placeholder
    made = list(nearest_anchors(run, source)) if source is not None else []
    asked = list(asking_anchors(run, one.request))
    driven = model_driven(model)
    tools_bound_themselves = any(is_driven(driven, cut) for cut in model.of_role(ElementRole.TRUNCATION))
    is_tool = source is not None and source.kind is StepKind.TOOL_CALL
    return one_of_each(
        [*anchors, *(asked + made if is_tool and not tools_bound_themselves else made + asked)]
    ), parameters
