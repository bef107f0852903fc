"""A claim whose citations do not resolve is dropped, not shown; this module decides which do."""

from harnessfix.rules import Finding
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import AnchorKind, Evidence, Route


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


def place_in_trace(finding: Finding, run: Htir) -> Anchor | None:
    """The step that a finding blames, as a place of the file it was read from, where no code is known for it.

    None for a finding that names lines, or no step.
    """
    if finding.anchors or finding.responsible_step is None:
        return None
    step = run.step(finding.responsible_step)
    return Anchor(
        path=step.source.file or step.source.format,
        qualname=step.name,
        start_line=1,
        end_line=1,
        kind=AnchorKind.CALL,
        route=Route.STATIC,
        evidence=Evidence.HEURISTIC,
        reason="the trace: what code ran is not known",
    )
