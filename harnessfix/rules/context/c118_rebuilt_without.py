"""C118: an object is made anew from another of its class, and some of its fields are not carried over."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
from dataclasses import dataclass


@dataclass
class Settings:
    model: str
    tools: list[str]
    max_steps: int = 10
    stop: str | None = None

    def for_model(self, name: str) -> "Settings":
        return Settings(model=name or self.model, tools=self.tools, max_steps=self.max_steps)


def handed_over(settings: Settings) -> Settings:
    return Settings(model=settings.model, tools=settings.tools, max_steps=settings.max_steps)
"""


class RebuiltWithout(HazardRule):
    code = "C118"
    name = "rebuilt-without"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "An object is made anew from another of its class, and some of its fields are not carried over."
    why = (
        "A copy, a merged setting or a message on its way to the next agent loses what the new object is not "
        "given: the field falls back to its default, and nothing says so."
    )
    fix = "Copy with `dataclasses.replace`, `model_copy` or `copy.copy`, and name only what changes."
    by_hand = "A field that is left out may be left out on purpose: a copy that starts anew looks the same."
    references = ("https://github.com/openai/openai-agents-python/pull/4242",)
    hazard = "rebuilt-without"
    confidence = 0.6
    reason = "carries over only some of the fields"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("max_steps=settings.max_steps)", "max_steps=settings.max_steps, stop=settings.stop)"),
    )

    def words(self, element: Element) -> str:
        left = element.value("leaves-out")
        words = ", ".join(f"`{name}`" for name in left) if isinstance(left, list) else ""
        made = f"{element.value('class')} is made anew from `{element.value('from')}`"
        return f"{made}, and {words} of it is not carried over."
