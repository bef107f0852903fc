"""T116: arguments that could not be read become none at all."""

import re
from collections.abc import Mapping, Sequence

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import Property, Severity

_SENT = re.compile(r"tool|call|arg|completion|response|message|reply|llm|model|param|action|payload", re.IGNORECASE)

# Words for tools that the provider itself runs: their arguments are told of, and run by nobody here.
_THEIRS = re.compile(r"built_?in|server_?side|server_?tool|hosted|provider_executed", re.IGNORECASE)
_CALLERS_DEEP = 3

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
    operator = "report-unreadable"
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
        """Whether it is what a model or a tool sent for this program to act on, as far as names say."""
        sent = _SENT.search(f"{element.value('reads')} {element.anchor.qualname}") is not None
        return sent and not _only_theirs(element.anchor.symbol, model.callers, model.callees)

    def words(self, element: Element) -> str:
        return (
            f"{element.anchor.place} goes on with an empty object when the text could not be read: whoever sent it "
            f"is not told, and {element.anchor.qualname} works with what nobody said."
        )


def _only_theirs(
    key: str, above: Mapping[str, Sequence[str]], below: Mapping[str, Sequence[str]], deep: int = _CALLERS_DEEP
) -> bool:
    """Whether every caller of a function, or everything that calls that one, is about tools that the provider runs."""
    known = set(above.get(key, ())) - {key}
    return bool(known) and all(
        any(_THEIRS.search(name.partition(":")[2]) for name in (caller, *below.get(caller, ())))
        or (deep > 1 and _only_theirs(caller, above, below, deep - 1))
        for caller in known
    )
