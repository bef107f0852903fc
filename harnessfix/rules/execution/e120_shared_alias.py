"""E120: a setting that everybody shares is changed through a local name for it."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_STREAM = """\
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Settings:
    listeners: list[Callable[[str], None]] = field(default_factory=list)


settings = Settings()


class Agent:
    def __init__(self, model):
        self.model = model

    def stream(self, task):
        pieces = []
        listeners = settings.listeners
        listeners.append(pieces.append)
        reply = self.model.query([{"role": "user", "content": task}], listeners)
        return reply, pieces
"""


class SharedAlias(HazardRule):
    code = "E120"
    name = "shared-alias"
    keeps = Property.ISOLATION
    severity = Severity.WARNING
    summary = "A list or dictionary of shared settings gets a local name and is changed through it."
    why = (
        "The local name looks like a variable of this call and is the settings' own container. What one run adds, a "
        "listener, a tool, an option, is there for every later run and every other thread, and comes once more each "
        "time."
    )
    fix = "Copy the container where it gets its name (`list(settings.listeners)`), then change the copy."
    references = (
        "https://docs.python.org/3/faq/programming.html#why-did-changing-list-y-also-change-list-x",
        "https://github.com/stanfordnlp/dspy/pull/9073",
    )
    operator = "copy-first"
    hazard = "shared-alias"
    confidence = 0.7
    reason = "names the shared container"
    bad = Example(files={"stream.py": _STREAM})
    good = edited(
        bad, "stream.py", ("        listeners = settings.listeners\n", "        listeners = list(settings.listeners)\n")
    )

    def words(self, element: Element) -> str:
        change = element.fact("change")
        at = f" (line {change.line})" if change is not None and change.line else ""
        return (
            f"{element.anchor.qualname} names `{element.value('of')}` at {element.anchor.place} and changes it by "
            f"`{element.value('change')}`{at}: what belongs to everybody keeps what this call put there."
        )
