"""O110: a jump out of a `finally` clause throws the exception away."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_STEP = """\
class Step:
    def __init__(self, tool, recorder):
        self.tool, self.recorder = tool, recorder

    def run(self, arguments):
        output = ""
        try:
            output = self.tool(**arguments)
        finally:
            self.recorder.end(output)
            return output
"""


class SwallowingFinally(HazardRule):
    code = "O110"
    name = "swallowing-finally"
    keeps = Property.HONESTY
    severity = Severity.ERROR
    summary = "A `return`, `break` or `continue` in a `finally` clause throws away what was being raised."
    why = (
        "Whatever was on its way out (a failed tool, a time-out, a cancellation, Ctrl-C) ends there without a "
        "trace, and the caller gets a value as if all had gone well."
    )
    fix = "Jump after the `finally` clause, and leave in it only what must happen on every way out."
    references = ("https://peps.python.org/pep-0765/",)
    operator = "leave-finally"
    hazard = "swallowing-finally"
    confidence = 0.8
    reason = "jumps out of a `finally` clause"
    on_failure = True
    bad = Example(files={"step.py": _STEP})
    good = edited(
        bad,
        "step.py",
        (
            "            self.recorder.end(output)\n            return",
            "            self.recorder.end(output)\n        return",
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('jump')}` at {element.anchor.place} stands in a `finally` clause: an exception on its "
            f"way out of {element.anchor.qualname} ends there and nobody hears of it."
        )
