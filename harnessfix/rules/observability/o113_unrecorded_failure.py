"""O113: the record that is written after a failure says nothing of the failure."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def run(agent, task, save):
    status, result = None, None
    try:
        status, result = agent.run(task)
    finally:
        save(agent, status, result)
    return result
"""


class UnrecordedFailure(HazardRule):
    code = "O113"
    name = "unrecorded-failure"
    keeps = Property.HONESTY
    severity = Severity.WARNING
    summary = "The record that is written after a failure says nothing of the failure."
    why = (
        "The values are still the empty ones from before the work: the saved run has no exit status and no error, "
        "and reads like one that ended without a word. Who looks for failed runs does not find it."
    )
    fix = "Catch the exception, put its type and text into what is recorded, and raise it again."
    by_hand = (
        "What the record's reader can take for a failure, and whether the run goes on after it, is not in this code."
    )
    references = ("https://github.com/SWE-agent/mini-swe-agent/pull/448",)
    hazard = "unrecorded-failure"
    confidence = 0.55
    reason = "records nothing of a failure"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            "        status, result = agent.run(task)\n",
            "        status, result = agent.run(task)\n"
            "    except Exception as error:\n        status, result = type(error).__name__, str(error)\n"
            "        raise\n",
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"When the work above raises, `{element.value('name')}` is still empty, and "
            f"{element.value('call')} records that."
        )
