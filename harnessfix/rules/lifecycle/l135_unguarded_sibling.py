"""L135: methods of a class begin with the same check, and one that does the same sort of work begins without it."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Session:
    def __init__(self, items):
        self._items = items
        self._closed = False

    def _ensure_open(self):
        if self._closed:
            raise RuntimeError("the session is closed")

    def add(self, item):
        self._ensure_open()
        self._items.append(item)

    def take(self):
        self._ensure_open()
        return self._items.pop()

    def empty(self):
        self._ensure_open()
        self._items.clear()

    def insert(self, item):
        self._items.insert(0, item)
"""


class UnguardedSibling(HazardRule):
    code = "L135"
    name = "unguarded-sibling"
    keeps = Property.ORDER
    severity = Severity.WARNING
    summary = "Methods of a class begin with the same check, and one that does the same sort of work begins without it."
    why = (
        "A closed session is written to, an unprepared tool is called or an argument goes unread on that one way "
        "in, although every other way refuses."
    )
    fix = "Begin with the check as the others do, or say why not."
    by_hand = "The method without the check may be the one that is called when the check would fail."
    references = ("https://github.com/openai/openai-agents-python/pull/4231",)
    hazard = "unguarded-sibling"
    confidence = 0.5
    reason = "begins without the check"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("    def insert(self, item):\n", "    def insert(self, item):\n        self._ensure_open()\n"),
    )

    def words(self, element: Element) -> str:
        like = element.value("like")
        others = ", ".join(str(name) for name in like) if isinstance(like, list) else ""
        return f"{others} begin with `self.{element.value('lacks')}()`; {element.anchor.qualname} does not."
