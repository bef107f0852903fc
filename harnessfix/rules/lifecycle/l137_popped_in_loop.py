"""L137: a value is taken out of a mapping at every round of a loop, and is there in the first alone."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Model:
    def ask(self, retries=3, **options):
        for attempt in range(retries):
            corrections = options.pop("corrections", 0)
            try:
                return self.invoke(**options)
            except ValueError as error:
                if corrections >= 1:
                    raise
                self.hint = str(error)
"""


class PoppedInLoop(HazardRule):
    code = "L137"
    name = "popped-in-loop"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "A loop pops a value at every round: from the second on it gets the default."
    why = (
        "What was handed over counts for the first attempt alone. A count of retries starts anew with the second "
        "one, so its limit is never reached; a setting falls back to its default in the middle of the work."
    )
    fix = "Take the value out once, before the loop."
    by_hand = "Whether the later rounds ought to see the value, or what became of it, is not in this code."
    references = ("https://github.com/agno-agi/agno/pull/8094",)
    hazard = "popped-in-loop"
    confidence = 0.65
    reason = "pops it at every round"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            '        for attempt in range(retries):\n            corrections = options.pop("corrections", 0)\n',
            '        corrections = options.pop("corrections", 0)\n        for attempt in range(retries):\n',
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('from')}` holds {element.value('key')!r} at the first round only: at every later one "
            f"this gives {element.value('default')}."
        )
