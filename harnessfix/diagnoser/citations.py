"""A claim whose citations do not resolve is dropped, not shown; this module decides which do."""

from harnessfix.rules import Finding
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir


def resolving_anchors(finding: Finding, model: HarnessModel) -> list[Anchor]:
    """The anchors that lie in a file of the harness, inside its lines; all of them when no source is known."""
    if not model.files:
        return list(finding.anchors)
    lines = {file.path: file.lines for file in model.files if not file.error}
    return [a for a in finding.anchors if 1 <= a.start_line <= a.end_line <= max(1, lines.get(a.path, 0))]


def unresolved_steps(finding: Finding, run: Htir | None) -> list[str]:
    """Step ids that the finding cites and the run does not hold."""
    cited = [step for step in (finding.responsible_step, finding.symptom_step, *finding.path) if step is not None]
    if run is None:
        return cited
    held = {step.id for step in run.steps}
    return [step for step in cited if step not in held]
