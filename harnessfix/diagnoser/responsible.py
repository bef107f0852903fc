"""In which step the code ran that a finding blames.

A rule names the step that it looked at: the parser that was given a reply, the task around an exception. Where one of
the steps that it cites after that, or one inside it, is a call of the very function that is blamed, it is there that
correct became wrong.
"""

from collections.abc import Iterator
from itertools import islice

from harnessfix.rules import Finding
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Route, StepKind

RAN = frozenset((Route.PROBE, Route.STACK, Route.CODE_ATTRIBUTE))
MOST_INSIDE = 200


def responsible_step(run: Htir, finding: Finding, blamed: Anchor) -> str | None:
    """The finding's responsible step, or the nearest one to it that ran the blamed function.

    Args:
        run: that the finding is of; all steps that it cites are in it.
        finding: as the rule made it.
        blamed: its first place.
    """
    named = finding.responsible_step
    if named is None or not blamed.qualname:
        return named
    return next((step.id for step in _candidates(run, finding, named) if _ran(step, blamed)), named)


def _candidates(run: Htir, finding: Finding, named: str) -> Iterator[TraceStep]:
    """The step itself, those that are cited after it, and those inside it; not those of a whole task, of which any
    could be meant."""
    step = run.step(named)
    yield step
    cited = list(finding.path)
    yield from (run.step(one) for one in (cited[cited.index(named) + 1 :] if named in cited else cited))
    if step.kind is not StepKind.TASK:
        yield from islice(run.descendants(named), MOST_INSIDE)


def _ran(step: TraceStep, blamed: Anchor) -> bool:
    """Whether the step was recorded in the blamed function, or in one that is defined in it."""
    return any(
        anchor.route in RAN and anchor.path == blamed.path and f"{anchor.qualname}.".startswith(f"{blamed.qualname}.")
        for anchor in step.anchors
    )
