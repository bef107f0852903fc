"""O119: what an earlier item of a stream said is overwritten by a later one that says nothing."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, model):
        self.model = model
        self.tokens = 0

    def run(self, messages):
        text = []
        usage = None
        for chunk in self.model.stream(messages):
            usage = getattr(chunk, "usage", None)
            text.append(chunk.text)
        if usage is not None:
            self.tokens += usage.total_tokens
        return "".join(text)
"""


class ErasedByLaterItem(HazardRule):
    code = "O119"
    name = "erased-by-later-item"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "Each item of a loop sets a value, also one that has none: what an earlier item said is lost."
    why = (
        "Providers send what is said once (token counts, the finish reason, an id) in one chunk of a stream, and not "
        "always in the last one. A loop that takes it from every chunk ends with what the last chunk had, which is "
        "often nothing: the costs of the run are counted as zero."
    )
    fix = "Take the value only from an item that has one."
    by_hand = "Whether a later value replaces an earlier one or is added to it, the code does not say."
    references = ("https://github.com/openai/openai-agents-python/pull/2126",)
    hazard = "erased-by-later-item"
    confidence = 0.65
    reason = "sets it anew for every item"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            '            usage = getattr(chunk, "usage", None)\n',
            '            if getattr(chunk, "usage", None) is not None:\n                usage = chunk.usage\n',
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('name')}` is set by every item of the loop, also by one that has none: what is read "
            "behind the loop is what the last item said."
        )
