"""L121: a cancellation or Ctrl-C is answered like a failure of the work, and the run goes on."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_CLERK = """\
class Clerk:
    def __init__(self, post):
        self.post = post

    async def fetch(self, letter):
        try:
            return await self.post.collect(letter)
        except BaseException as error:
            return f"the letter did not come: {error}"
"""


class SwallowedSignal(HazardRule):
    code = "L121"
    name = "swallowed-signal"
    keeps = Property.CONTAINMENT
    severity = Severity.WARNING
    summary = (
        "A clause around awaited work takes cancellation and Ctrl-C for failures, and answers instead of stopping."
    )
    why = (
        "A cancelled task has to stop. Where `CancelledError` becomes an answer, time-outs and task groups wait for "
        "a task that goes on, the next turn is paid for, and the history says that the work failed."
    )
    fix = "Catch `Exception`, or raise again what is none after putting things away."
    references = ("https://docs.python.org/3/library/asyncio-task.html#task-cancellation",)
    operator = "let-signals-pass"
    hazard = "swallowed-signal"
    confidence = 0.6
    reason = "answers a cancellation"
    bad = Example(files={"clerk.py": _CLERK})
    good = edited(bad, "clerk.py", ("except BaseException", "except Exception"))

    def words(self, element: Element) -> str:
        return (
            f"The clause at {element.anchor.place} takes cancellation and Ctrl-C, too, and {element.anchor.qualname} "
            "answers and goes on as if the work had failed."
        )
