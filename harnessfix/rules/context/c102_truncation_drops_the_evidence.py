"""C102: an output is cut, nothing says so, and what was cut off is what mattered."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from harnessfix.rules._errors import error_lines
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._observations import Observation, observations
from harnessfix.rules._query import as_anchor, asking_anchors, below, events, nearest_anchors, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceLink, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, LinkKind, Outcome, Property, Route, Severity, StepKind

LEAST_KEPT = 1_000  # characters; less is a title or a line of a log
AROUND = 500  # characters that a template may put around an observation
LEAST_LOST = 200  # characters; less is a trailing blank or a stripped frame
OBSERVED = (StepKind.TOOL_CALL, StepKind.RETRIEVAL)
NOT_MARKED = "not marked"  # how the compiler words a cut that nothing in the text announces

_AGENT = r'''from pathlib import Path

LIMIT = 1000


def read_file(name):
    """Read a file."""
    return Path(__file__).with_name(name).read_text()


TOOLS = {"read_file": read_file}


def shorten(text):
    """Keep a long output from filling the request."""
    return text[:LIMIT]


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"].startswith("Final:"):
                return reply["content"]
            output = TOOLS["read_file"](reply["content"])
            messages.append({"role": "user", "content": shorten(output)})
'''
_MAIN = r"""from agent import Agent
from model import Model, say

print(Agent(Model(say("tests.log"), say("Final: all tests pass."))).run("Do the tests pass?"))
"""
_LOG = "".join(f"test_total_{n} passed\n" for n in range(200)) + "AssertionError: 12.00 is not 12.50\n"


@dataclass(frozen=True)
class _Loss:
    """A cut between a step's output and a request: both ends, and the lines that were lost."""

    link: TraceLink
    source: TraceStep
    request: TraceStep
    kept: int
    whole: int
    lost: str


class TruncationDropsTheEvidence(Rule):
    code = "C102"
    name = "truncation-drops-the-evidence"
    keeps = Property.CONSERVATION
    severity = Severity.ERROR
    summary = "Only the head of an output reaches the model, unmarked, and the error stood in the rest."
    why = (
        "Compilers, test runners and tracebacks say what went wrong in their last lines. A cut that keeps the "
        "head and leaves no mark makes a failed command look like a successful one, and the model has no reason "
        "to ask for the rest."
    )
    fix = "Keep head and tail, say in between how many characters are missing, and how to get them."
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/blob/main/src/minisweagent/config/mini.yaml",
        "https://arxiv.org/abs/2606.06324",
    )
    operator = "bound-observation"
    bad = harness(_AGENT, _MAIN, more={"tests.log": _LOG})
    good = edited(
        bad,
        "agent.py",
        (
            "    return text[:LIMIT]\n",
            "    if len(text) <= LIMIT:\n"
            "        return text\n"
            "    half = LIMIT // 2\n"
            '    return f"{text[:half]}\\n[{len(text) - LIMIT} characters left out]\\n{text[-half:]}"\n',
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Unmarked cuts that lost an error, or lost much in a run that failed; one finding per place."""
        spoken: set[str] = set()
        for loss in _losses(run):
            errors = _lost_errors(run, loss)
            if not errors and run.run.outcome is not Outcome.FAILED:
                continue
            cut = _cut(run, model, loss)
            anchors = _anchors(run, model, cut, loss)
            if not anchors or anchors[0].place in spoken:
                continue
            spoken.add(anchors[0].place)
            yield _finding(loss, errors, cut, anchors)
        if run.run.outcome is Outcome.FAILED:
            yield from (found for found in _seen_cuts(run, model) if found.anchors[0].place not in spoken)


def _seen_cuts(run: Htir, model: HarnessModel) -> Iterable[Finding]:
    """Cuts that were seen as they were made, unmarked, where the next observation holds as much as they kept."""
    cuts = {cut.id: cut for cut in model.of_role(ElementRole.TRUNCATION)}
    shown: list[Observation] | None = None
    told: set[str] = set()
    for step in run.with_event("cut"):
        for event in events(step, "cut"):
            before, after = event.attributes.get("before"), event.attributes.get("after")
            cut = cuts.get(str(event.attributes.get("element")))
            if cut is None or cut.id in told or cut.fact("marker") or not isinstance(before, int):
                continue
            if not isinstance(after, int) or after < LEAST_KEPT or before - after < LEAST_LOST:
                continue
            shown = observations(run) if shown is None else shown
            one = next((o for o in shown if after <= len(o.text) <= after + AROUND), None)
            if one is None or run.place(one.request.id) < run.place(step.id):
                continue
            told.add(cut.id)
            yield Finding(
                message=f"{after:,} of {before:,} characters were kept in {step.name} ({step.id}), request "
                f"{one.request.id} shows as many, and nothing says that the rest is missing; the run failed.",
                anchors=one_of_each(
                    [as_anchor(cut, "cuts and leaves no mark", Route.PROBE), *nearest_anchors(run, step)]
                ),
                responsible_step=step.id,
                symptom_step=one.request.id,
                path=(step.id, one.request.id),
                confidence=0.6,
                severity=Severity.WARNING,
                evidence=Evidence.DERIVED,
                parameters={"limit": after, "of": cut.value("of")},
            )


def _losses(run: Htir) -> Iterable[_Loss]:
    """Cuts of what a step gave off on its way into a request; several kept pieces of one text count together."""
    pieces: dict[tuple[str, int, str, int], list[TraceLink]] = defaultdict(list)
    cuts = run.links_of_kind(LinkKind.TRUNCATED)
    sent = _sent_on(run) if cuts else {}
    for link in cuts:
        if link.source_span is not None and link.target_span is not None:
            key = link.source, link.source_span.part, link.target, link.target_span.part
            if link.target in sent and link.source_span.side == "out":
                pieces[key].append(link)
    for (source_id, number, target_id, _), links in pieces.items():
        source, request = run.step(source_id), sent[target_id]
        if source.kind not in OBSERVED or not all(NOT_MARKED in link.detail for link in links):
            continue
        text = run.text(source.output[number])
        spans = [link.source_span for link in links if link.source_span is not None]
        start, end = min(span.start for span in spans), max(span.end for span in spans)
        lost = text[:start] + text[end:]
        if len(lost) >= LEAST_LOST:
            yield _Loss(links[0], source, request, end - start, len(text), lost)


def _sent_on(run: Htir) -> dict[str, TraceStep]:
    """Requests by themselves, and by the steps that made a text of theirs out of something longer."""
    requests = {step.id: step for step in run.of_kind(StepKind.MODEL_CALL)}
    sent = dict(requests)
    between = {s.id for s in run.of_kind(StepKind.PARSE, StepKind.CONTEXT_BUILD, StepKind.LIFECYCLE)}
    for link in run.links_of_kind(LinkKind.COPIED) if between else ():
        given = link.source_span
        if link.source in between and link.target in requests and given is not None and given.side == "out":
            sent.setdefault(link.source, requests[link.target])
    return sent


def _lost_errors(run: Htir, loss: _Loss) -> list[str]:
    """Lines of the lost part that report an error, when the request holds none of them."""
    errors = error_lines(loss.lost)
    shown = run.input_text(loss.request) if errors else ""  # all of a long history: not for nothing
    return [line for line in errors if line not in shown]


def _cut(run: Htir, model: HarnessModel, loss: _Loss) -> Element | None:
    """The slice that made the cut: by a recorded cut of that length, else by its bound."""
    cuts = {element.id: element for element in model.of_role(ElementRole.TRUNCATION)}
    seen = [event.attributes for step in run.with_event("cut") for event in events(step, "cut")]
    fitting = [told for told in seen if told.get("after") == loss.kept and str(told.get("element")) in cuts]
    exact = [told for told in fitting if told.get("before") == loss.whole] or fitting
    if exact:
        return cuts[str(exact[0]["element"])]
    unmarked = [e for e in cuts.values() if e.value("limit-value") == loss.kept and not e.fact("marker")]
    return unmarked[0] if len(unmarked) == 1 else None


def _anchors(run: Htir, model: HarnessModel, cut: Element | None, loss: _Loss) -> tuple[Anchor, ...]:
    """The cut; else the function that shortens, among those that were given the whole text; else these."""
    own = [as_anchor(cut, "cuts and leaves no mark", Route.PROBE)] if cut is not None else []
    whole = {part.text for part in loss.source.output}
    between = [
        anchor
        for step in run.steps
        if step.kind is StepKind.CONTEXT_BUILD and any(part.text in whole for part in step.input)
        for anchor in step.anchors
    ]
    shortening = _shortening(model, between) if cut is None else []
    asked = asking_anchors(run, loss.request)
    return one_of_each([*own, *shortening, *between, *asked, *nearest_anchors(run, loss.source)])


def _shortening(model: HarnessModel, places: list[Anchor]) -> list[Anchor]:
    """Functions of the harness that those at `places` call to shorten a text."""
    found = []
    for place in places:
        lines = {cut.anchor.start_line for cut in below(model, place, ElementRole.TRUNCATION) if cut.fact("call")}
        caller = place.symbol
        for call in model.calls_of(caller):
            if call.line in lines and call.resolved:
                function = model.function(*call.resolved.split(":", 1))
                found += [as_anchor(function, "shortens the text")] if function is not None else []
    return found


def _finding(loss: _Loss, errors: list[str], cut: Element | None, anchors: tuple[Anchor, ...]) -> Finding:
    words = (
        f"{loss.kept:,} of the {loss.whole:,} characters of {loss.source.name} ({loss.source.id}) reached request "
        f"{loss.request.id}, and nothing says that the rest is missing"
    )
    words += f"; it held {quote(errors[0], 90)!r}." if errors else "; the run failed."
    confidence = (0.9 if cut is not None else 0.7) if errors else 0.5
    return Finding(
        message=words,
        anchors=anchors,
        responsible_step=loss.source.id,
        symptom_step=loss.request.id,
        path=(loss.source.id, loss.request.id),
        confidence=confidence,
        severity=Severity.ERROR if errors else Severity.WARNING,
        evidence=Evidence.DERIVED,
        quotes=tuple((f"{loss.source.id} output", quote(line)) for line in errors[:2]),
        parameters={"limit": loss.kept, "of": cut.value("of") if cut is not None else None},
        missing=() if cut is not None else ("a recording of the cut itself",),
    )
