"""C112: a tool result without the call that it answers."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, asking_anchors, one_of_each, quote, that_ran
from harnessfix.rules._strays import Refused, refused_stray, strays
from harnessfix.rules._suspects import suspects
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.names import words_in
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Route, Severity

MOST = 3  # functions that are told
# What functions are named for that keep a history, or leave something of it out.
_CUTTING = {"compact", "drop", "keep", "limit", "prune", "recent", "summarize", "trim", "truncate", "window"}
_KEEPING = frozenset(_CUTTING | {"history", "memory", "message", "messages", "orphan", "orphaned", "session"})

_AGENT = r'''import json


def add(first, second):
    """Add two numbers."""
    return str(first + second)


TOOLS = {"add": add}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(6):
            reply = self.model.query(self.window(messages))
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                answer = TOOLS[call["function"]["name"]](**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})

    def window(self, messages):
        return messages[:1] + messages[1:][-3:]
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

replies = [call("add", {"first": n, "second": n}, f"call_{n}") for n in range(3)]
print(Agent(Model(*replies, say("0, 2 and 4"))).run("Double the numbers 0, 1 and 2."))
"""


class RoleOrderViolation(Rule):
    code = "C112"
    name = "role-order-violation"
    keeps = Property.ORDER
    severity = Severity.ERROR
    summary = "A tool result is sent without the call before it."
    why = (
        "Providers answer with 400, or worse: the result is read as something else. It happens where a window or "
        "a filter counts messages and cuts between a call and its answer."
    )
    fix = "Cut the history between turns only: a call and all its answers stay or go together."
    references = (
        "https://github.com/openai/openai-agents-python/pull/4324",
        "https://platform.openai.com/docs/guides/function-calling",
        "https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use",
    )
    operator = "pair-results"
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("[-3:]", "[-4:]"))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """The first request that holds a result whose call was sent before and is not in front of it now.

        A call that was never sent is of a turn that nobody kept: another flaw.
        """
        stray = next((each for each in strays(run) if each.was_sent), None)
        if stray is not None:
            yield _finding(run, model, stray.request, stray.result, stray.asking)
        elif (refused := refused_stray(run)) is not None:
            yield _refused(run, model, refused)


def _finding(run: Htir, model: HarnessModel, request: TraceStep, stray: Part, asking: TraceStep) -> Finding:
    return Finding(
        message=f"Request {request.id} holds the result of call {stray.call_id} and not the call itself, which "
        f"{asking.id} had made.",
        anchors=_anchors(run, model, request),
        responsible_step=request.id,
        symptom_step=request.id,
        path=tuple(dict.fromkeys((asking.id, request.id))),
        confidence=0.9,
        evidence=Evidence.OBSERVED,
        quotes=((f"{request.id} input", quote(run.text(stray))),),
        parameters={"window": True},
    )


def _refused(run: Htir, model: HarnessModel, refused: Refused) -> Finding:
    """Of a call that this run does not know: the provider says that it is not there."""
    request, call = refused.request, quote(refused.result.call_id or "", 40)
    ran = (suspect.function.element for suspect in suspects(run, model))
    keepers = [as_anchor(e, "keeps the history", Route.PROBE) for e in ran if _keeps(e)][:MOST]
    return Finding(
        message=f"Request {request.id} holds the result of call {call} and not the call itself, and the provider "
        f"refused it: {quote(refused.error.message, 120)!r}.",
        anchors=one_of_each([*keepers, *_anchors(run, model, request)]),
        responsible_step=request.id,
        symptom_step=request.id,
        path=(request.id,),
        confidence=0.8,
        evidence=Evidence.DERIVED,
        operator="",
        quotes=((f"{request.id} input", quote(run.text(refused.result))),),
        key="refused",
    )


def _keeps(function: Element) -> bool:
    return not _KEEPING.isdisjoint(words_in(function.anchor.qualname.rpartition(".")[2]))


def _anchors(run: Htir, model: HarnessModel, request: TraceStep) -> tuple[Anchor, ...]:
    """Cuts of the history first, then builders that drop messages, then what ran."""
    cuts = [e for e in that_ran(run, model.of_role(ElementRole.TRUNCATION)) if e.value("unit") == "messages"]
    builders = [e for e in that_ran(run, model.of_role(ElementRole.CONTEXT_BUILDER)) if e.fact("drops")]
    named = [as_anchor(e, "cuts the history") for e in (*cuts, *builders)]
    return one_of_each([*named, *asking_anchors(run, request)])
