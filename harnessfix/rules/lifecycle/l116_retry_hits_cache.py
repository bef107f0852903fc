"""L116: a failed reply was kept, and every retry is given it again."""

import re
from collections.abc import Iterable, Iterator

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import is_model_step, own_anchors, own_function
from harnessfix.rules._query import as_anchor, one_of_each, quote, reachable
from harnessfix.rules._replies import CUT_OFF, REFUSED, finish_reason
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Severity, StepKind

_KEEPS = re.compile(r"cache|memo", re.IGNORECASE)
_STORES = re.compile(r"store|put|set|write|save|add|insert|update|remember", re.IGNORECASE)

_AGENT = '''\
class CachedModel:
    """Asks each question once and remembers the reply."""

    def __init__(self, model):
        self.model = model
        self.replies = {}

    def cache_store(self, key, reply):
        self.replies[key] = reply

    def query(self, messages):
        key = str(messages)
        if key not in self.replies:
            self.cache_store(key, self.model.query(messages))
        return self.replies[key]


class Agent:
    """Asks again when its model refuses."""

    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        refusals = 0
        while refusals < 3:
            reply = self.model.query(messages)
            if reply["finish_reason"] == "content_filter":
                refusals += 1
                continue
            messages.append(reply)
            if reply["content"].startswith("DONE"):
                return reply["content"]
        return "refused"
'''
_MAIN = """\
from agent import Agent, CachedModel
from model import Model, say

refused = say("I cannot.") | {"finish_reason": "content_filter"}
fine = say("DONE") | {"finish_reason": "stop"}
print(Agent(CachedModel(Model(refused, fine))).run("Sort the list."))
"""


class RetryHitsCache(Rule):
    code = "L116"
    name = "retry-hits-cache"
    keeps = Property.EFFECT
    severity = Severity.ERROR
    summary = "A reply that failed is cached, so asking again returns it and never reaches the model."
    why = (
        "A refusal, a filtered or a cut-off reply is retried because another try may succeed. When the cache in "
        "front of the model has kept it, all retries are answered from there: they cost nothing and can change "
        "nothing."
    )
    fix = "Keep only replies that ended well; let a retry go past the cache."
    by_hand = (
        "Which replies are worth keeping, and what asks past the cache, is spread over the cache and those who call it."
    )
    references = ("https://github.com/UKGovernmentBEIS/inspect_ai/pull/4846",)
    operator = None
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            "        self.replies[key] = reply\n\n",
            '        if reply["finish_reason"] == "stop":\n            self.replies[key] = reply\n\n',
        ),
        (
            "        if key not in self.replies:\n            self.cache_store(key, self.model.query(messages))\n"
            "        return self.replies[key]\n",
            "        if key in self.replies:\n            return self.replies[key]\n"
            "        reply = self.model.query(messages)\n        self.cache_store(key, reply)\n        return reply\n",
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Equal requests with equal failed replies, of which the later ones went less far than the first."""
        for first, again in _replayed(run):
            keepers = list(_keepers(run, model, first))
            yield Finding(
                f"{first.name} ({first.id}) ended with {finish_reason(run, first)!r} and was asked again "
                f"{len(again)} times ({again[0].id} to {again[-1].id}): each got the same reply without reaching the "
                "model.",
                one_of_each([*(as_anchor(e, "keeps replies") for e in keepers), *own_anchors(first)[:1]]),
                responsible_step=first.id,
                symptom_step=again[0].id,
                path=[first.id, *(step.id for step in again)],
                confidence=0.85 if keepers else 0.7,
                evidence=Evidence.DERIVED,
                quotes=[(f"{again[0].id} output", quote(run.output_text(again[0])))],
                key="replay",
            )


def _replayed(run: Htir) -> Iterator[tuple[TraceStep, list[TraceStep]]]:
    first: TraceStep | None = None
    again: list[TraceStep] = []
    for step in run.of_kind(StepKind.MODEL_CALL):
        if first is not None and _is_replay(run, first, step):
            again.append(step)
            continue
        if first is not None and again:
            yield first, again
        first, again = (step if _failed(run, step) else None), []
    if first is not None and again:
        yield first, again


def _failed(run: Htir, step: TraceStep) -> bool:
    return step.error is None and finish_reason(run, step).lower() in REFUSED | CUT_OFF


def _is_replay(run: Htir, first: TraceStep, step: TraceStep) -> bool:
    """Whether a call asked and got the same as the first one, and did not get as far inside."""
    if step.name != first.name or not _failed(run, step) or _texts(step) != _texts(first):
        return False
    return _depth(run, step) < _depth(run, first)


def _texts(step: TraceStep) -> list[str]:
    return [part.text for part in (*step.input, *step.output) if part.role != "value"]


def _depth(run: Htir, step: TraceStep) -> int:
    return sum(is_model_step(inner) for inner in run.descendants(step.id))


def _keepers(run: Htir, model: HarnessModel, first: TraceStep) -> Iterator[Element]:
    """Functions below the call that put something into a cache, else any that have to do with one."""
    steps = [first, *(inner for inner in run.descendants(first.id) if is_model_step(inner))]
    found: dict[str, Element] = {}
    for function in (f for step in steps if (f := own_function(model, step)) is not None):
        near = reachable(model, function.anchor, depth=2)
        found |= {element.id: element for element in near if _KEEPS.search(element.anchor.qualname)}
    yield from sorted(
        found.values(), key=lambda element: not _STORES.search(element.anchor.qualname.rpartition(".")[2])
    )
