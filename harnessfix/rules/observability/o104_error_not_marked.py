"""O104: it failed, and its status says that it did not."""

import json
import re
from collections.abc import Iterable, Iterator

from harnessfix.rules._errors import short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import episodes
from harnessfix.rules._own import nearest_own, own_anchors
from harnessfix.rules._query import as_anchor, element_at, events, one_of_each, quote
from harnessfix.rules._signals import error_of, is_same, is_signal
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, Status, StepKind

MAX_CHARS = 200_000
_STATUS_KEYS = frozenset({"status", "exit_status", "state", "outcome", "result_status"})
_TRUTH_KEYS = frozenset({"success", "succeeded", "ok", "completed"})
_WELL = re.compile(r"(ok|success|successful|succeeded|completed?|done|finished|passed)$", re.IGNORECASE)

_AGENT = '''\
import logging


class Agent:
    """Writes a text part by part and reports how it went."""

    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        parts = []
        while len(parts) < 3:
            try:
                reply = self.model.query(messages)
            except Exception as error:
                logging.warning("part %d: %s", len(parts), error)
                break
            parts.append(reply["content"])
            messages += [reply, {"role": "user", "content": "Go on."}]
        return {"status": "success", "text": " ".join(parts)}
'''
_MAIN = """\
from agent import Agent
from model import Model, say


class Failing(Model):
    def query(self, messages, tools=None):
        if not self.replies:
            raise ConnectionError("the connection was closed")
        return self.replies.pop(0)


print(Agent(Failing(say("Once upon a time"))).run("Tell a story."))
"""


class ErrorNotMarked(Rule):
    code = "O104"
    name = "error-not-marked"
    keeps = Property.HONESTY
    severity = Severity.WARNING
    summary = "A step that failed is reported as a success."
    why = (
        "Dashboards, retries and evaluations read the status, not the log. A failure that ends as `success` or as "
        "an OK span is counted as an answer: nobody looks at it, and the numbers are wrong."
    )
    fix = (
        "Set the status where the exception is caught: the span's status and `record_exception`, and the status "
        "field of the result, with the reason."
    )
    references = (
        "https://github.com/openai/openai-agents-python/pull/4191",
        "https://opentelemetry.io/docs/specs/otel/trace/api/#set-status",
    )
    operator = "mark-error"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ("        parts = []\n", '        parts, status = [], "success"\n'),
        ("                break\n", '                status = f"failed: {error}"\n                break\n'),
        ('{"status": "success", ', '{"status": status, '),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Results that say success although a failure ended the work, and spans that are OK between failed ones."""
        if any(run.of_kind(StepKind.ERROR)):
            yield from _results(run, model)
        if run.with_event("exception") or any(step.error is not None for step in run.steps):
            yield from _spans(run)


# --- results --------------------------------------------------------------------------------------------------------


def _results(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    for episode in episodes(run):
        last = _last_failure(run, episode) if episode.status is Status.OK else None
        claim = _claims_success(run, episode) if last is not None else None
        if claim is None or last is None:
            continue
        error = error_of(run, last)
        handler = element_at(model, last.anchors[0], ElementRole.HANDLER) if last.anchors else None
        if error is None or is_signal(error) or handler is None:
            continue
        if not any(handler.fact(f) for f in ("breaks", "returns", "passes", "returns-constant")):
            continue
        if error.message and error.message[:60] in run.output_text(episode):
            continue
        yield Finding(
            f"{short_type(error)} ended the work ({last.id}), and {episode.name} ({episode.id}) returned {claim}.",
            one_of_each([as_anchor(handler, "does not mark the failure"), *own_anchors(episode)]),
            responsible_step=last.id,
            symptom_step=episode.id,
            path=[last.id, episode.id],
            confidence=0.75,
            quotes=[
                (f"{last.id} error", quote(error.message)),
                (f"{episode.id} output", quote(run.output_text(episode))),
            ],
            parameters={"claim": claim},
            key="result",
        )


def _claims_success(run: Htir, episode: TraceStep) -> str | None:
    """The field of the result that says that all went well, as it would be written."""
    fields: dict[str, object] = {part.name: run.text(part) for part in episode.output if part.name}
    for part in episode.output:
        text = run.text(part)
        if not part.name and text[:1] == "{" and len(text) < MAX_CHARS:
            try:
                fields |= json.loads(text)
            except (ValueError, RecursionError):
                continue
    for name, value in fields.items():
        if name.lower() in _STATUS_KEYS and isinstance(value, str) and _WELL.match(value.strip()):
            return f"{name} {value.strip()!r}"
        if name.lower() in _TRUTH_KEYS and value in (True, "true", "True"):
            return f"{name} true"
    return None


def _last_failure(run: Htir, episode: TraceStep) -> TraceStep | None:
    """The clause of the episode's own function that was entered last, with no call of a model or tool after it."""
    last = None
    for step in run.descendants(episode.id):
        if step.kind in (StepKind.MODEL_CALL, StepKind.TOOL_CALL, StepKind.VERIFY, StepKind.SUBMIT):
            last = None if step.status is Status.OK else last
        elif step.kind is StepKind.ERROR and step.name.startswith("except") and step.parent == episode.id:
            last = step
    return last


# --- spans ----------------------------------------------------------------------------------------------------------


def _spans(run: Htir) -> Iterator[Finding]:
    """Spans that are OK although they recorded an escaping exception, or stand between failed ones of one error."""
    for step in run.steps:
        if step.status is not Status.OK or step.kind is StepKind.ERROR or step.error is not None:
            continue
        recorded = [
            e for e in events(step, "exception") if str(e.attributes.get("exception.escaped")).lower() == "true"
        ]
        child = _failed_child(run, step)
        if not recorded and child is None:
            continue
        what = f"{child.name} ({child.id}) failed in it" if child is not None else "an exception left it"
        yield Finding(
            f"{step.name} ({step.id}) is marked OK although {what}.",
            one_of_each([*own_anchors(step), *nearest_own(run, step)]),
            responsible_step=step.id,
            symptom_step=step.id,
            path=[child.id, step.id] if child is not None else [step.id],
            confidence=0.8,
            evidence=Evidence.OBSERVED if recorded else Evidence.DERIVED,
            key="span",
        )


def _failed_child(run: Htir, step: TraceStep) -> TraceStep | None:
    """The last thing inside a span without a result of its own, if it failed as the span around it did."""
    children = run.children(step.id)
    outer = run.step(step.parent) if step.parent is not None else None
    if not children or outer is None or step.output:
        return None
    last = children[-1]
    return last if last.kind is not StepKind.ERROR and is_same(last.error, outer.error) else None
