"""L146: each early way out of a function ends what was begun, and the last one does not."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def finish(agent, reply, round_):
    if reply.cancelled:
        agent.metrics.end_round(round_)
        return
    if reply.final:
        agent.answer = reply.text
        agent.metrics.end_round(round_)
        return
    agent.run_tools(reply)
    agent.go_on()
"""


class UnlikeExit(HazardRule):
    code = "L146"
    name = "unlike-exit"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "Each early way out of a function ends what was begun, and the last one does not."
    why = (
        "Whoever added a way out thought of the end of the round, the span or the connection, and the usual way was "
        "there before it had one. What is left open has no end in the metrics, keeps its lock, or is ended by "
        "something else much later."
    )
    fix = "End it on the last way too, or in a `finally` around all of them."
    by_hand = "Where on the last way it has to end is for the author to say."
    references = (
        "https://github.com/strands-agents/sdk-python/pull/1903",
        "https://doi.org/10.1145/502059.502041",
    )
    hazard = "unlike-exit"
    confidence = 0.65
    reason = "ends without what the other ways out do"
    bad = Example(files={"agent.py": _BAD})
    good = edited(bad, "agent.py", ("run_tools(reply)\n", "run_tools(reply)\n    agent.metrics.end_round(round_)\n"))

    def words(self, element: Element) -> str:
        at = element.value("at")
        lines = " and ".join(map(str, at)) if isinstance(at, list) else ""
        return f"`{element.value('calls')}` is called on early ways out (lines {lines}), not on the one that ends here."
