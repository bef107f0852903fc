"""C122: a message is built, and on that way nothing takes it."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def history(steps):
    messages = []
    for step in steps:
        messages.append({"role": "assistant", "content": step.reply})
        if step.error and not step.calls:
            answer = {"role": "user", "content": f"Error: {step.error}. Try again."}
        if step.calls:
            answer = {"role": "tool", "content": step.output}
            messages.append(answer)
    return messages
"""


class UnsentMessage(HazardRule):
    code = "C122"
    name = "unsent-message"
    keeps = Property.CONSERVATION
    severity = Severity.ERROR
    summary = "A message is built, and on that way through the function nothing takes it."
    why = (
        "The model is asked again as if nothing had been said: it does not learn of its error, or of a result, and "
        "makes the same turn once more."
    )
    fix = "Append the message where it is built."
    by_hand = "Which list of messages it belongs to is not in the code."
    references = (
        "https://github.com/huggingface/smolagents/pull/325",
        "https://docs.astral.sh/ruff/rules/unused-variable/",
    )
    hazard = "unsent-message"
    confidence = 0.85
    reason = "builds a message that nothing takes"
    bad = Example(files={"agent.py": _BAD})
    good = edited(bad, "agent.py", ('Try again."}\n', 'Try again."}\n            messages.append(answer)\n'))

    def words(self, element: Element) -> str:
        return (
            f"The message `{element.value('name')}` that is built here is given to nothing on this way: it is lost, or "
            "another takes its name first."
        )
