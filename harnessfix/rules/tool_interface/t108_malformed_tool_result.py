"""T108: JSON that a tool gave off is cut on its way and no longer JSON."""

import json
from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import nearest_own
from harnessfix.rules._query import element_at, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceLink
from harnessfix_ir.vocabulary import ElementRole, LinkKind, Property, Severity, StepKind

LEAST = 40  # characters; a shorter text is no document
MOST = 5_000_000

_AGENT = """\
import json


def list_orders():
    \"\"\"All open orders, as JSON.\"\"\"
    return json.dumps([{"order": number, "state": "open", "customer": f"customer {number}"} for number in range(60)])


TOOLS = {"list_orders": list_orders}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                output = TOOLS[call["function"]["name"]]()
                output = self.shorten(output)
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": output})

    def shorten(self, output):
        return output[:1000]
"""
_MAIN = """\
from agent import Agent
from model import Model, call, say

print(Agent(Model(call("list_orders", {}), say("There are 17."))).run("How many orders are open?"))
"""
_WHOLE = """\
        rows = json.loads(output)
        return json.dumps({"first": rows[:10], "left_out": len(rows[10:])})
"""


class MalformedToolResult(Rule):
    code = "T108"
    name = "malformed-tool-result"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "A tool's JSON is cut to a length, and what the model gets is no JSON any more."
    why = (
        "A list that ends in the middle of an entry looks complete to a model that counts or sums it, and cannot be "
        "read by code. The bound is right, the place of the cut is not."
    )
    fix = "Shorten the data and not its text: fewer entries with the number left out, whole in themselves."
    by_hand = "Which entries of the data matter least is known only from what they mean."
    references = ("https://www.anthropic.com/engineering/writing-tools-for-agents",)
    operator = None
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("        return output[:1000]\n", _WHOLE))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Outputs of tools that were JSON, of which a part reached a request that is not."""
        spoken: set[str] = set()
        for link in run.links_of_kind(LinkKind.TRUNCATED):
            if run.step(link.source).kind is not StepKind.TOOL_CALL:
                continue
            shown = _shown(run, link)
            if not shown or run.step(link.target).kind is not StepKind.MODEL_CALL:
                continue
            tool, request = run.step(link.source), run.step(link.target)
            cuts = [
                e.anchor
                for s in (tool, request)
                for a in s.anchors
                if (e := element_at(model, a, ElementRole.TRUNCATION))
            ]
            anchors = one_of_each([*cuts, *nearest_own(run, tool)])
            if not anchors or anchors[0].place in spoken:
                continue
            spoken.add(anchors[0].place)
            yield Finding(
                f"{tool.name} ({tool.id}) gave off JSON; {request.id} got {len(shown):,} characters of it, which "
                "end in the middle of an entry and are no JSON.",
                anchors,
                responsible_step=tool.id,
                symptom_step=request.id,
                path=[tool.id, request.id],
                confidence=0.75,
                quotes=[(f"{request.id} input", quote(shown[-120:]))],
            )


def _shown(run: Htir, link: TraceLink) -> str:
    """The part of a tool's JSON that a request holds; empty when there was no JSON, or it still is."""
    source, target = link.source_span, link.target_span
    if source is None or target is None or source.side != "out" or target.side != "in":
        return ""
    whole = run.text(run.step(link.source).output[source.part])
    held = run.text(run.step(link.target).input[target.part])
    shown = held[target.start : target.end]
    if whole[:1] not in ("{", "[") or not LEAST <= len(whole) <= MOST or source.start != 0:
        return ""
    return shown if _is_json(whole) and not _is_json(shown) and not _is_json(held) else ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
