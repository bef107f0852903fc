"""L123: a function is called with arguments that it cannot take."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Files:
    def __init__(self, client):
        self.client = client

    def paths(self, repository, folder=""):
        found = []
        for entry in self.client.entries(repository, folder):
            if entry.is_folder:
                found += self.paths(folder=entry.path)
            else:
                found.append(entry.path)
        return found
"""


class WrongArguments(HazardRule):
    code = "L123"
    name = "wrong-arguments"
    keeps = Property.CONTAINMENT
    severity = Severity.ERROR
    summary = "A function is called with arguments that it cannot take."
    why = (
        "The way to such a call is one that nobody has gone: an error path, a rare answer, a recursion. The first "
        "run that goes it ends as a TypeError of the harness, and what was wrong in the first place is lost."
    )
    fix = "Call the function as it is defined."
    by_hand = "Which of the two is wrong, the call or the definition, is not to be told from them."
    references = (
        "https://github.com/camel-ai/camel/pull/3912",
        "https://github.com/google/adk-python/commit/2214c155",
    )
    hazard = "wrong-arguments"
    confidence = 0.85
    reason = "does not fit its function"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("self.paths(folder=entry.path)", "self.paths(repository, folder=entry.path)"),
    )

    def words(self, element: Element) -> str:
        return f"{element.value('calls')} cannot be called like this: {element.value('misfit')}."
