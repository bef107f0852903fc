"""C107: requests grow until the provider refuses one."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from harnessfix.rules._errors import chain, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import loop_around
from harnessfix.rules._query import as_anchor, asking_anchors, one_of_each, quote, requests, that_ran, went_through
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Outcome, Property, Route, Severity, Status, StepKind

# How providers word it; each phrase is about the size of a request and nothing else.
_OVERFLOW = re.compile(
    r"context[_ ]length[_ ]exceeded|maximum context length|exceeds? the (?:model'?s )?(?:maximum )?context|"
    r"prompt is too long|input is too long|too many (?:input )?tokens|context window (?:is )?(?:full|exceeded)|"
    r"ContextWindowExceeded|request too large|input token count .{0,40}exceeds",
    re.IGNORECASE,
)

_AGENT = r"""class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(20):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"] == "done":
                return
            messages.append({"role": "user", "content": f"Page {len(messages)}: " + "lorem ipsum " * 300})
"""
_MAIN = r"""from agent import Agent
from model import Model, say


class SmallModel(Model):
    def query(self, messages, tools=None):
        size = sum(len(message["content"]) for message in messages) // 4
        if size > 4000:
            raise ValueError(f"This model's maximum context length is 4000 tokens, your messages have {size}.")
        return self.replies.pop(0)


Agent(SmallModel(*[say("next page")] * 5, say("done"))).run("Read the book.")
"""


class ContextOverflow(Rule):
    code = "C107"
    name = "context-overflow"
    keeps = Property.CONTAINMENT
    severity = Severity.ERROR
    summary = "The conversation outgrows the model's context and the provider refuses it."
    why = (
        "A history that only grows reaches the limit in every long task. The error comes after the money was "
        "spent, at the moment when most work has been done, and a retry of the same request fails in the same way."
    )
    fix = "Keep a budget in tokens: shorten or summarise old observations before the limit, and recover when it is met."
    by_hand = (
        "A budget needs the model's size, a way to count its tokens and a choice of what to give up; none of them "
        "stands in the code."
    )
    references = (
        "https://docs.anthropic.com/en/docs/build-with-claude/context-windows",
        "https://www.anthropic.com/engineering/effective-context-engineering-for-ai-agents",
    )
    operator = None
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(
        bad,
        "agent.py",
        (
            "            reply = self.model.query(messages)\n",
            '            while sum(len(message["content"]) for message in messages) > 12000:\n'
            "                del messages[1:3]\n"
            "            reply = self.model.query(messages)\n",
        ),
        exit_code=0,
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Model calls that were refused for their size; one finding, at the first."""
        for step in run.of_kind(StepKind.MODEL_CALL):
            error = next((e for e in chain(step.error) if _OVERFLOW.search(f"{e.type}: {e.message}"[:2000])), None)
            if error is None or step.status is not Status.ERROR or _refused_inside(run, step):
                continue
            size = len(run.input_text(step))
            shorteners = _shorteners(run, model)
            if run.run.outcome is Outcome.PASSED and (shorteners or _was_shortened(run, step, size)):
                return  # it was ready for that
            named = " and ".join(f"`{function.anchor.qualname}`" for function in shorteners)
            yield Finding(
                message=f"Request {step.id} ({size:,} characters in {len(step.input)} messages) was refused for "
                f"its size: {short_type(error)}: {quote(error.message, 100)!r}"
                + (f"; {named} shortened it then." if named else "."),
                anchors=_anchors(run, model, step, shorteners),
                responsible_step=step.id,
                symptom_step=step.id,
                path=(step.id,),
                confidence=0.85,
                evidence=Evidence.OBSERVED,
                quotes=((f"{step.id} error", quote(error.message)),),
                parameters={"characters": size, "messages": len(step.input)},
            )
            return


def _was_shortened(run: Htir, refused: TraceStep, size: int) -> bool:
    """Whether the next request was answered, and is shorter than the refused one."""
    following = next((step for step in requests(run) if run.place(step.id) > run.place(refused.id)), None)
    return following is not None and following.status is Status.OK and len(run.input_text(following)) < size


def _refused_inside(run: Htir, step: TraceStep) -> bool:
    return any(inner.kind is StepKind.MODEL_CALL and inner.status is Status.ERROR for inner in run.descendants(step.id))


def _anchors(run: Htir, model: HarnessModel, step: TraceStep, shorteners: Sequence[Element]) -> tuple[Anchor, ...]:
    """What shortened a history that was refused, else the loop that lets it grow; builders that ran, and what asked."""
    loop = loop_around(run, model, step)
    builders = that_ran(run, model.of_role(ElementRole.CONTEXT_BUILDER))
    named = [
        *(as_anchor(shortener, "shortens what was refused", Route.PROBE) for shortener in shorteners),
        *([as_anchor(loop, "lets the history grow")] if loop is not None else ()),
        *(as_anchor(builder, "appends to the history") for builder in islice(builders, 2)),
    ]
    return one_of_each([*named, *asking_anchors(run, step)])


def _shorteners(run: Htir, model: HarnessModel) -> list[Element]:
    """Functions that clauses called to shorten the history when a request was refused, as far as the run tells."""
    found: dict[str, Element] = {}
    for cut in model.of_role(ElementRole.TRUNCATION):
        if went_through(run, cut) and _is_in_a_clause(model, cut):
            own = (call for call in model.calls_of(cut.anchor.symbol) if call.line == cut.anchor.start_line)
            for path, _, qualname in (call.resolved.partition(":") for call in own):
                function = model.function(path, qualname)
                if function is not None:
                    found.setdefault(function.id, function)
    return list(found.values())


def _is_in_a_clause(model: HarnessModel, element: Element) -> bool:
    anchor = element.anchor
    clauses = model.in_function(anchor.path, anchor.qualname, ElementRole.HANDLER)
    return any(each.anchor.start_line <= anchor.start_line <= each.anchor.end_line for each in clauses)
