"""C120: the conversation goes on without the system message that it began with."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import added_messages, asking_anchors, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Severity

INSTRUCTIONS = frozenset({"system", "developer"})

_AGENT = '''\
import json


def look_up(word):
    """Look a word up."""
    return f"{word}: a fruit"


TOOLS = {"look_up": look_up}


class Agent:
    def __init__(self, model, instructions):
        self.model = model
        self.instructions = {"role": "system", "content": instructions}
        self.history = []

    def run(self, task):
        self.history.append({"role": "user", "content": task})
        reply = self.model.query([self.instructions, *self.history])
        self.history.append(reply)
        for asked in reply.get("tool_calls", ()):
            arguments = json.loads(asked["function"]["arguments"])
            result = TOOLS[asked["function"]["name"]](**arguments)
            self.history.append({"role": "tool", "tool_call_id": asked["id"], "content": result})
        return self.sum_up()

    def sum_up(self):
        return self.model.query(list(self.history))["content"]
'''
_MAIN = """\
from agent import Agent
from model import Model, call, say

replies = [call("look_up", {"word": "pomme"}), say("It is a fruit.")]
print(Agent(Model(*replies), "Answer in French, in one sentence.").run("What is a pomme?"))
"""


class LostInstructions(Rule):
    code = "C120"
    name = "lost-instructions"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "A later request of a conversation lacks the system message of the earlier ones."
    why = (
        "The reply that people see is often the one after the tools have answered. Asked without the instructions it "
        "is in another language or form, tells what it should not, or ends without the word that the loop waits for."
    )
    fix = "Make every request of a conversation in one place, which puts the instructions in front of the history."
    by_hand = "Where the instructions come from, and which of them a request of this kind needs, differs."
    references = ("https://github.com/microsoft/autogen/pull/5926",)
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ("self.model.query(list(self.history))", "self.model.query([self.instructions, *self.history])"),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Requests that go on with a conversation, no user having spoken, and have lost its system message."""
        spoken: set[str] = set()
        for request, before, new in added_messages(run):
            if before is None or _has_instructions(request) or not _has_instructions(before):
                continue
            shared = {(part.role, part.text) for part in before.input} & {(p.role, p.text) for p in request.input}
            if not any(role == "user" for role, _ in shared) or not any(part.role == "tool" for part in new):
                continue
            anchors = asking_anchors(run, request)
            place = anchors[0].place if anchors else ""
            if not place or place in spoken or any(part.role == "user" for part in new):
                continue  # a user's message that is new may be instructions of another sort: to summarise, say
            spoken.add(place)
            lost = next(part for part in before.input if part.role in INSTRUCTIONS)
            yield Finding(
                f"{request.id} goes on with the conversation of {before.id} after its tools answered, and has no "
                "system message any more.",
                anchors,
                responsible_step=request.id,
                symptom_step=request.id,
                path=(before.id, request.id),
                confidence=0.7,
                evidence=Evidence.OBSERVED,
                quotes=((f"{before.id} input", quote(run.text(lost))),),
            )


def _has_instructions(request: TraceStep) -> bool:
    return any(part.role in INSTRUCTIONS for part in request.input)
