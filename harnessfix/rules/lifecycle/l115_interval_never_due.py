"""L115: something that is due every n-th step is never due for a small n."""

from collections.abc import Iterable

from harnessfix.rules._query import as_anchor
from harnessfix.rules.base import Example, Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.vocabulary import ElementRole, Property, Severity

_PLANS = """\
class Agent:
    def __init__(self, model, planning_interval=None):
        self.model = model
        self.planning_interval = planning_interval

    def is_due(self, step):
        return self.planning_interval is not None and step % self.planning_interval == 1
"""


class IntervalNeverDue(Rule):
    code = "L115"
    name = "interval-never-due"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A remainder is compared with a number that a small interval never leaves."
    why = (
        "`step % interval == 1` holds every interval steps, except when the interval is 1: then the remainder is "
        "always 0. Who asks for planning, saving or checking at every step gets it at none, without a word."
    )
    fix = "Count from zero: `(step - 1) % interval == 0` is due at the same steps and works for every interval."
    references = ("https://github.com/huggingface/smolagents/pull/1118",)
    operator = "fix-interval"
    bad = Example({"agent.py": _PLANS})
    good = Example(
        {"agent.py": _PLANS.replace("step % self.planning_interval == 1", "(step - 1) % self.planning_interval == 0")}
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Remainders by an interval that are compared with a number other than zero."""
        for limit in model.of_role(ElementRole.LIMIT):
            rest = limit.value("never-below")
            if isinstance(rest, int):
                yield Finding(
                    f"{limit.value('compares')} is never true when {limit.name} is {rest} or less: it is silently off.",
                    [as_anchor(limit, "is never due for a small interval")],
                    confidence=0.75,
                    parameters={"interval": limit.name, "remainder": rest},
                    key=limit.name,
                    missing=("a run with such an interval",),
                )
