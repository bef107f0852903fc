"""E127: of the calls on one object that all say something with the same keyword one leaves it out."""

from collections.abc import Mapping

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Editor:
    def __init__(self, sandbox, user):
        self._sandbox = sandbox
        self._user = user

    def create(self, path, text):
        self._sandbox.write(path, text, user=self._user)

    def delete(self, path):
        self._sandbox.remove(path, user=self._user)

    def move(self, path, target):
        self.create(target, self._sandbox.read(path, user=self._user))
        self._sandbox.remove(path)
"""


class UnlikeCall(HazardRule):
    code = "E127"
    name = "unlike-call"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "Of the calls on one object that all say something with the same keyword one leaves it out."
    why = (
        "What every call on a sandbox, a session or a client is told (for which user, with which credentials, within "
        "which time) the forgotten one does with a default: as somebody else, without a limit, on another account. "
        "It seldom fails where it stands."
    )
    fix = "Give the call what the others give."
    references = (
        "https://github.com/openai/openai-agents-python/pull/4100",
        "https://doi.org/10.1145/502059.502041",
    )
    operator = "hand-on"
    hazard = "unlike-call"
    confidence = 0.7
    reason = "leaves out what the other calls say"
    bad = Example(files={"agent.py": _BAD})
    good = edited(bad, "agent.py", ("remove(path)\n", "remove(path, user=self._user)\n"))

    def words(self, element: Element) -> str:
        said = f"`{element.value('keyword')}={element.value('parameter')}`"
        return (
            f"`{element.value('calls')}` is called without {said} here; {element.value('times')} calls on the same "
            f"object say it, one of them of this method (line {element.value('has-at')})."
        )

    def told_apart(self, element: Element, number: int) -> str:
        return f"{element.value('calls')} {element.value('keyword')}"

    def parameters(self, element: Element) -> Mapping[str, JsonValue]:
        """What is called, with which keyword and which value."""
        return {name: element.value(name) for name in ("calls", "parameter", "keyword")}
