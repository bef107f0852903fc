"""O118: a run failed, and all that is known of the cause is which code it went through."""

from collections.abc import Iterable
from dataclasses import replace

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor
from harnessfix.rules._suspects import Suspects, suspects
from harnessfix.rules._visited import Visited
from harnessfix.rules.base import Finding, Rule
from harnessfix.words import counted
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Route, Severity, Verdict

MOST_TOLD, MOST_NAMES = 4, 3
_ORDER = {1: "first", 2: "second", 3: "third"}

_AGENT = """\
def final_answer(reply):
    for line in reply.splitlines():
        if line.startswith("ANSWER"):
            return line.removeprefix("ANSWER").strip(": -")
    return reply


def solve(model, task):
    messages = [{"role": "user", "content": task}]
    for _ in range(3):
        reply = model.query(messages)["content"]
        messages.append({"role": "assistant", "content": reply})
        if reply.startswith("ANSWER"):
            return final_answer(reply)
    return None
"""
_MAIN = """\
from agent import solve
from model import Model, say

found = solve(Model(say("Thinking ..."), say("ANSWER: -42")), "What is 6 times -7?")
assert found == "-42", found
"""


class UnexplainedFailure(Rule):
    code = "O118"
    name = "unexplained-failure"
    keeps = Property.EFFECT
    severity = Severity.INFO
    summary = "A run failed: the functions where the cause is most likely to be."
    why = (
        "Most bugs break what their own harness promises, and no rule can know all promises. What the recording tells "
        "is which code the failed run went through, apart from what every import runs. Of those functions the ones "
        "that decide most are fixed most often: those that hold a limit, a handler, a parser, a loop; and of these the "
        "ones in which rare names of the program stand in lines that ran, those that wrote a sentence that the run "
        "shows, and those that an exception came out of. This is a place to begin reading, not a flaw that was seen; "
        "the confidence is how often the fix was there in bugs whose fix is known. With failed and passed runs of the "
        "same harness, `harnessfix check` compares them, which tells more."
    )
    fix = "Read the named functions in this order; record a run of the same task that passes, and compare."
    by_hand = "Only the failure is known, and not the flaw."
    references = (
        "https://doi.org/10.1145/3092703.3092717",
        "https://doi.org/10.1109/TSE.2016.2521368",
        "https://doi.org/10.1109/ICSE.2012.6227210",
    )
    options = {"most": 3, "least-confidence": 0.02}
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = replace(edited(bad, "agent.py", ('.strip(": -")', '.strip(": ")')), exit_code=0)

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        found = suspects(run, model)
        ranked = list(found)
        steps = _steps(run) if ranked else {}
        for function, share in ranked[: int(self.option("most"))]:
            confidence = round(share, 3)
            if confidence < self.option("least-confidence"):
                return
            number = 1 + sum(other.share > share for other in ranked)
            yield _finding(function, number, found, confidence, steps)


def _finding(
    function: Visited,
    number: int,
    found: Suspects,
    confidence: float,
    steps: dict[tuple[str, str], TraceStep],
) -> Finding:
    matter = found.matter
    anchor = as_anchor(function.element, "the failed run went through it", Route.PROBE)
    step = steps.get((anchor.path, anchor.qualname))
    met = ", ".join(counted(times, role.value.replace("_", " ")) for role, times in function.met.most_common(MOST_TOLD))
    holds = f", with {met}" if met else ""
    names = matter.shared(function)[:MOST_NAMES]
    spoken = f"; like the program it speaks of {', '.join(names)}" if names else ""
    wrote = "; it worded what the run shows" if matter.wrote(function) else ""
    raised = ""
    if matter.made_unwritable(function):
        raised = "; it most likely made what could not be written down"
    elif matter.ended(function):
        raised = "; an exception arose there that ended a step"
    elif matter.slipped(function):
        raised = "; an exception arose there that only a clause for any exception took, far from it"
    elif matter.hushed(function):
        raised = "; a clause of it took a failure and only told a log"
    elif found.is_read_by_broken(function):
        raised = "; an exception arose in the function that reads what it writes"
    called = f"`{anchor.qualname}`" + (f" ({step.id})" if step is not None else "")
    return Finding(
        message=(
            f"The run failed. Of the {counted(len(found), 'function')} that it went through, {called} is the "
            f"{_ORDER.get(number, 'next')} to look at: {counted(function.ran, 'part')} of its code ran"
            f"{holds}{spoken}{wrote}{raised}. A place to begin reading; no flaw was seen there."
        ),
        anchors=[anchor],
        responsible_step=None if step is None else step.id,
        path=() if step is None else (step.id,),
        confidence=confidence,
        evidence=Evidence.HEURISTIC,
        layer=matter.layer(function),
        verdict=Verdict.UNKNOWN,
        missing=("a run of the same task that passes",),
    )


def _steps(run: Htir) -> dict[tuple[str, str], TraceStep]:
    """The last step that each function is the code of."""
    observed = (Route.STACK, Route.PROBE)
    found = {}
    for step in run.steps:
        place = next((anchor for anchor in step.anchors if anchor.route in observed), None)
        if place is not None:
            found[place.path, place.qualname] = step
    return found
