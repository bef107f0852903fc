"""O118: a run failed, and all that is known of the cause is which code it went through."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import exp, log1p

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._layers import layer_by_name
from harnessfix.rules._query import as_anchor
from harnessfix.rules.base import Finding, Rule
from harnessfix.words import counted
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.reached import Reached
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Outcome, Property, Route, Severity, Verdict

# Fitted on 40 fixed bugs of nine frameworks (`benchmarks/README.md`): how much more often the fix is in a function
# with more sorts of elements, and the share of the bugs that it then has.
STRETCHES, PARTLY, STEEPNESS = 0.25, 0.5, 1.3
MOST_TOLD = 4
_ORDER = {1: "", 2: "second", 3: "third"}
NO_PART = (ElementRole.FUNCTION, ElementRole.CLASS)

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


@dataclass
class _Function:
    """A function that a run went through.

    Args:
        element: it.
        ran: number of straight stretches of it that ran; missed: of those that did not.
        parts: sorts of elements in it; met: those of them that ran, each with how many.
    """

    element: Element
    ran: int = 0
    missed: int = 0
    parts: set[ElementRole] = field(default_factory=set)
    met: Counter[ElementRole] = field(default_factory=Counter)

    @property
    def weight(self) -> float:
        """How many things could go wrong in it that this run had to do with."""
        sorts = log1p(len(self.parts)) + log1p(len(self.met))
        return sorts + STRETCHES * log1p(self.ran) - (PARTLY if self.missed else 0)

    @property
    def order(self) -> tuple[int, str]:
        """Of two that weigh the same, the longer first."""
        anchor = self.element.anchor
        return anchor.start_line - anchor.end_line, self.element.id


class UnexplainedFailure(Rule):
    code = "O118"
    name = "unexplained-failure"
    keeps = Property.EFFECT
    severity = Severity.INFO
    summary = "A run failed: the functions where the cause is most likely to be."
    why = (
        "Most bugs break what their own harness promises, and no rule can know all promises. What the recording tells "
        "is which code the failed run went through, apart from what every import runs. Of those functions the ones "
        "that decide most are fixed most often: those that hold a limit, a handler, a parser, a loop. This is a place "
        "to begin reading, not a flaw that was seen; the confidence is how often the fix was there in bugs whose fix "
        "is known. With failed and passed runs of the same harness, `harnessfix check` compares them, which tells more."
    )
    fix = "Read the named functions in this order; record a run of the same task that passes, and compare."
    by_hand = "Only the failure is known, and not the flaw."
    references = (
        "https://doi.org/10.1145/3092703.3092717",
        "https://doi.org/10.1109/TSE.2016.2521368",
    )
    options = {"most": 3, "least-confidence": 0.02}
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = replace(edited(bad, "agent.py", ('.strip(": -")', '.strip(": ")')), exit_code=0)

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        if not _failed(run.run) or not run.reached:
            return
        functions = list(_functions(run, model))
        shares = [exp(STEEPNESS * function.weight) for function in functions]
        ranked = sorted(zip(shares, functions), key=lambda pair: (-pair[0], *pair[1].order))
        steps = _steps(run)
        for share, function in ranked[: int(self.option("most"))]:
            confidence = round(share / sum(shares), 3)
            if confidence < self.option("least-confidence"):
                return
            number = 1 + sum(other > share for other in shares)
            yield _finding(function, number, len(functions), confidence, steps)


def _failed(run: RunInfo) -> bool:
    """Whether the run failed, or the program that it is one of several runs of."""
    return run.outcome is Outcome.FAILED or (run.outcome is Outcome.UNKNOWN and bool(run.exit_code))


def _finding(
    function: _Function, number: int, of: int, confidence: float, steps: dict[tuple[str, str], TraceStep]
) -> Finding:
    anchor = as_anchor(function.element, "the failed run went through it", Route.PROBE)
    step = steps.get((anchor.path, anchor.qualname))
    met = ", ".join(counted(times, role.value.replace("_", " ")) for role, times in function.met.most_common(MOST_TOLD))
    holds = f", with {met}" if met else ""
    place = f"{_ORDER.get(number, 'next')} most".strip()
    called = f"`{anchor.qualname}`" + (f" ({step.id})" if step is not None else "")
    return Finding(
        message=(
            f"The run failed. Of the {counted(of, 'function')} that it went through, {called} decides "
            f"{place}: {counted(function.ran, 'part')} of its code ran{holds}. "
            "A place to begin reading; no flaw was seen there."
        ),
        anchors=[anchor],
        responsible_step=None if step is None else step.id,
        path=() if step is None else (step.id,),
        confidence=confidence,
        evidence=Evidence.HEURISTIC,
        layer=layer_by_name(anchor, function.met.elements()),
        verdict=Verdict.UNKNOWN,
        missing=("a run of the same task that passes",),
    )


def _functions(run: Htir, model: HarnessModel) -> Iterator[_Function]:
    """The functions that ran in the run itself, and not only while modules were imported."""
    for path, marks in sorted(run.reached.items()):
        reached = marks.without_imports()
        if reached.hit:
            yield from _in_file(model.in_file(path), reached)


def _in_file(elements: Iterable[Element], reached: Reached) -> Iterator[_Function]:
    functions: list[Element] = []
    others: list[Element] = []
    for element in elements:
        (functions if element.role is ElementRole.FUNCTION else others).append(element)
    around = _Innermost(functions)
    found: dict[str, _Function] = {}
    for line in reached.hit:
        function = around(line)
        if function is not None:
            found.setdefault(function.anchor.qualname, _Function(function)).ran += 1
    for line in reached.missed:
        function = around(line)
        if function is not None and function.anchor.qualname in found:
            found[function.anchor.qualname].missed += 1
    for element in others:
        holder = found.get(element.anchor.qualname)
        if holder is None or element.role in NO_PART:
            continue
        holder.parts.add(element.role)
        if reached.ran(element.anchor.start_line):
            holder.met[element.role] += 1
    yield from found.values()


class _Innermost:
    """Finds the innermost of some functions around a line."""

    def __init__(self, functions: Iterable[Element]) -> None:
        self._functions = sorted(functions, key=lambda e: (e.anchor.start_line, -e.anchor.end_line))
        self._starts = [function.anchor.start_line for function in self._functions]
        self._outer: list[int] = []
        for function in self._functions:
            self._outer.append(self._holding(len(self._outer) - 1, function.anchor.start_line))

    def __call__(self, line: int) -> Element | None:
        at = self._holding(bisect_right(self._starts, line) - 1, line)
        return self._functions[at] if at >= 0 else None

    def _holding(self, at: int, line: int) -> int:
        """The function `at`, or the nearest one around it that goes on to `line`; -1 for none."""
        while at >= 0 and self._functions[at].anchor.end_line < line:
            at = self._outer[at]
        return at


def _steps(run: Htir) -> dict[tuple[str, str], TraceStep]:
    """The last step that each function is the code of."""
    observed = (Route.STACK, Route.PROBE)
    found = {}
    for step in run.steps:
        place = next((anchor for anchor in step.anchors if anchor.route in observed), None)
        if place is not None:
            found[place.path, place.qualname] = step
    return found
