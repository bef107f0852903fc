"""T116: arguments that could not be read become none at all."""

import re

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import Property, Severity

_SENT = re.compile(r"tool|call|arg|completion|response|message|reply|llm|model|param|action|payload", re.IGNORECASE)

_PROVIDER = """\
import json


class Provider:
    def __init__(self, tools):
        self.tools = tools

    def run_tool(self, name, text):
        try:
            arguments = json.loads(text)
        except json.JSONDecodeError:
            arguments = {}
        return self.tools[name](**arguments)
"""


class EmptyForUnreadable(HazardRule):
    code = "T116"
    name = "empty-for-unreadable"
    keeps = Property.HONESTY
    severity = Severity.WARNING
    summary = "What a model sent cannot be read, an empty object takes its place, and nobody is told."
    why = (
        "The tool runs with its defaults, a check finds nothing to object to, or the model is told that an argument is "
        "missing which it did send. It never learns that its JSON was cut or malformed, so it cannot mend it."
    )
    fix = "Answer the model with the error, or hand the failure on; use an empty object only where nothing was sent."
    references = (
        "https://github.com/openai/openai-agents-python/issues/3863",
        "https://platform.openai.com/docs/guides/function-calling",
    )
    hazard = "empty-for-unreadable"
    confidence = 0.55
    reason = "takes nothing for what it could not read"
    bad = Example(files={"provider.py": _PROVIDER})
    good = edited(
        bad,
        "provider.py",
        (
            "json.JSONDecodeError:\n            arguments = {}",
            'ValueError as error:\n            return f"not JSON: {error}"',
        ),
    )

    def concerns(self, element: Element, model: HarnessModel) -> bool:
        """Whether it is what a model or a tool sent that could not be read, as far as names say."""
        return _SENT.search(f"{element.value('reads')} {element.anchor.qualname}") is not None

    def words(self, element: Element) -> str:
        return (
            f"{element.anchor.place} goes on with an empty object when the text could not be read: whoever sent "
            "it is not "
            f"told, and {element.anchor.qualname} works with what nobody said."
        )
