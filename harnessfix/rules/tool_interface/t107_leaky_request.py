"""T107: what the harness notes on its messages is sent to the provider with them."""

from collections.abc import Mapping

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules._query import names
from harnessfix.rules.base import Example
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_AGENT = """\
import time


class Agent:
    def __init__(self, client):
        self.client = client
        self.messages = []

    def ask(self, text):
        self.messages.append({"role": "user", "content": text, "received": time.time()})
        return self.client.chat.completions.create(model="small", messages=self.messages)
"""
_CLEAN = """\
        sent = [{"role": m["role"], "content": m["content"]} for m in self.messages]
        return self.client.chat.completions.create(model="small", messages=sent)
"""


class LeakyRequest(HazardRule):
    code = "T107"
    name = "leaky-request"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "Messages carry keys of the harness's own into the request."
    why = (
        "Strict providers refuse a message with a key that they do not know; lenient ones pass it on, so that times, "
        "costs and raw replies leave the machine and the prompt's prefix changes with every run."
    )
    fix = "Keep notes beside the messages, or project each message on what the provider takes before it is sent."
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/issues/613",
        "https://platform.openai.com/docs/api-reference/chat/create",
    )
    operator = "project-request"
    hazard = "bookkeeping-key"
    confidence = 0.7
    reason = "puts its own key into a message that is sent"
    bad = Example(files={"agent.py": _AGENT})
    good = edited(
        bad,
        "agent.py",
        ('        return self.client.chat.completions.create(model="small", messages=self.messages)\n', _CLEAN),
    )

    def words(self, element: Element) -> str:
        keys = ", ".join(f"`{key}`" for key in names(element.value("keys"))[:4])
        return f"The message that is kept at {element.anchor.place} has {keys}, and the history is sent as it is."

    def parameters(self, element: Element) -> Mapping[str, JsonValue]:
        """The keys that are the harness's own."""
        return {"keys": [*names(element.value("keys"))]}
