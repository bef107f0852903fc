"""Ties: a finding whose place is one of several that the run does not tell apart is believed less."""

from harnessfix.rules import Finding
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.htir import Htir


def tied_places(finding: Finding, anchor: Anchor, run: Htir | None) -> int:
    """How many places were as likely as the one that a finding names first, itself counted.

    Args:
        finding: what a rule said.
        anchor: the first of its anchors. A rule may have put its own words on it, so that of the steps counts as well.
        run: the run that the finding is about, None for one about the source alone, which knows no ties.
    """
    if run is None:
        return 1
    cited = {step for step in (finding.responsible_step, finding.symptom_step) if step is not None}
    known = [each.ties for step in cited for each in run.step(step).anchors if _same(each, anchor)]
    return max([anchor.ties, *known])


def trust_in_tied(ties: int) -> float:
    """What a finding's confidence is multiplied by: what happened still holds, where it did is one guess of several."""
    return (1 + 1 / ties) / 2


def _same(first: Anchor, second: Anchor) -> bool:
    return (first.path, first.start_line, first.end_line) == (second.path, second.start_line, second.end_line)
