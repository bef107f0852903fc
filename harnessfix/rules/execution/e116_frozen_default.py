"""E116: a default that should be new each time is worked out once, when the file is imported."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
import time
from dataclasses import dataclass, field


@dataclass
class Reply:
    text: str
    created: float = time.time()
    calls: list = field(default_factory=list)
"""


class FrozenDefault(HazardRule):
    code = "E116"
    name = "frozen-default"
    keeps = Property.ISOLATION
    severity = Severity.WARNING
    summary = "A default that should be new each time is worked out once, when the file is imported."
    why = (
        "Every object and every run made later carries the same time stamp, id or folder: the time when the process "
        "began. Durations are wrong, ids collide, and one run's records are taken for another's."
    )
    fix = (
        "Work the value out when the object is made: `field(default_factory=…)`, or `None` as the default and the "
        "value in the body."
    )
    references = (
        "https://github.com/agno-agi/agno/pull/8728",
        "https://docs.python.org/3/faq/programming.html#why-are-default-values-shared-between-objects",
    )
    operator = "renew-default"
    hazard = "frozen-default"
    confidence = 0.65
    reason = "is worked out once"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("created: float = time.time()", "created: float = field(default_factory=time.time)"),
    )

    def words(self, element: Element) -> str:
        return (
            f"The default of `{element.value('name')}` is `{element.value('call')}()` of when the file was "
            "imported: all that is made later shares it."
        )
