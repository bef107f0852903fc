"""E128: whatever leaves a block is taken for its deadline, once that has passed."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
import anyio


class TimeLimit:
    def __init__(self, seconds):
        self._seconds = seconds

    def __enter__(self):
        self._scope = anyio.move_on_after(self._seconds)
        self._scope.__enter__()
        return self

    def __exit__(self, kind, error, traceback):
        self._scope.__exit__(kind, error, traceback)
        if self._scope.cancel_called:
            raise TimeoutError(f"more than {self._seconds} seconds")
"""


class DeadlineForCause(HazardRule):
    code = "E128"
    name = "deadline-for-cause"
    keeps = Property.HONESTY
    severity = Severity.WARNING
    summary = "Whatever leaves a block is taken for its deadline, once that has passed."
    why = (
        "`cancel_called` says that the deadline passed, not that it is why the block ended: code that was cancelled "
        "may fail while it cleans up, or have been done already. Its error is lost, and the run is told as one that "
        "took too long."
    )
    fix = "Ask `cancelled_caught`, which holds where the scope itself took the cancellation, or look at the exception."
    by_hand = "What is to become of a failure after the deadline is for the author to say."
    references = (
        "https://github.com/UKGovernmentBEIS/inspect_ai/pull/3909",
        "https://anyio.readthedocs.io/en/stable/cancellation.html",
    )
    hazard = "deadline-for-cause"
    confidence = 0.75
    reason = "asks whether the deadline passed, not whether it was the cause"
    bad = Example(files={"agent.py": _BAD})
    good = edited(bad, "agent.py", ("_scope.cancel_called", "_scope.cancelled_caught"))

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('asks')}` holds as soon as the deadline has passed: an exception that left the block for "
            "another reason is replaced here."
        )
