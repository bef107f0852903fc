"""L128: defaults are laid over what was given explicitly."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, model, defaults):
        self.model = model
        self.default_settings = defaults

    def ask(self, messages, settings):
        return self.model.query(messages, **{**settings, **self.default_settings})
"""


class DefaultsWin(HazardRule):
    code = "L128"
    name = "defaults-win"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "Defaults are laid over what was given explicitly."
    why = (
        "In `{**given, **defaults}` the later one wins: what the caller asked for is replaced by the default, "
        "silently and only for the keys that have one."
    )
    fix = "Put the defaults first: `{**defaults, **given}`."
    references = ("https://github.com/OpenHands/OpenHands/pull/10140",)
    operator = "defaults-first"
    hazard = "defaults-win"
    confidence = 0.6
    reason = "lays defaults over what was given"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("{**settings, **self.default_settings}", "{**self.default_settings, **settings}"),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('defaults')}` is laid over `{element.value('given')}`: what was given explicitly loses."
        )
