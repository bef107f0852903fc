"""O117: whoever is told of the end of a call is told of a success where it was cancelled."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Watched:
    async def call(self, tool, arguments):
        result = failure = None
        try:
            result = await tool(**arguments)
            return result
        except Exception as error:
            failure = error
            raise
        finally:
            self.listener.on_tool_end(result, failure)
"""


class UntoldCancellation(HazardRule):
    code = "O117"
    name = "untold-cancellation"
    keeps = Property.HONESTY
    severity = Severity.WARNING
    summary = "The end of a cancelled call is reported as if it had gone well."
    why = (
        "A cancelled task, an interrupt and an exit are no `Exception`: the clause that keeps the failure is passed "
        "by, and `finally` hands on that there was none. Traces show calls that ended well without a result, and "
        "what is cleaned up after failures stays."
    )
    fix = "Keep the failure in a clause for `BaseException` that raises it again."
    by_hand = "What else the clause does with a failure may not be meant for a cancelled call."
    references = (
        "https://github.com/stanfordnlp/dspy/pull/10194",
        "https://docs.python.org/3/library/asyncio-exceptions.html#asyncio.CancelledError",
    )
    hazard = "untold-cancellation"
    confidence = 0.65
    reason = "passes by what is no Exception"
    bad = Example(files={"agent.py": _BAD})
    good = edited(bad, "agent.py", ("except Exception as error", "except BaseException as error"))

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('name')}` is set for an Exception alone, and `{element.value('told')}` is told of it "
            "whatever happened: a cancelled or interrupted call is reported as one that did not fail."
        )
