"""Flaws that the source shows, joined with what ran: a line that a failed run went through weighs more than one that no
run has ever reached."""

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Support
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import AnchorKind, Outcome

_WHOLE = (AnchorKind.FUNCTION, AnchorKind.HANDLER)  # reached when anything in them was


def ran(run: Htir, model: HarnessModel, anchor: Anchor) -> bool:
    """Whether the run went through the lines of an anchor.

    Lines outside functions run whenever their file is imported, which says nothing of the run: they do not count.
    """
    reached = run.reached.get(anchor.path)
    if reached is None or model.function(anchor.path, anchor.qualname) is None:
        return False
    if anchor.kind in _WHOLE:
        return reached.entered(anchor.start_line, anchor.end_line)
    return reached.ran(anchor.start_line)


def added(one: Support, other: Support) -> Support:
    """Runs of both."""
    return Support(
        failed=one.failed + other.failed, passed=one.passed + other.passed, unknown=one.unknown + other.unknown
    )


def counted(known: Support, outcome: Outcome) -> Support:
    """One run more of that outcome."""
    name = outcome.value if outcome in (Outcome.FAILED, Outcome.PASSED) else "unknown"
    return known.model_copy(update={name: getattr(known, name) + 1})


def in_words(reached: Support) -> str:
    """A sentence on the runs that went through a flaw's lines; empty when there were none."""
    runs = reached.failed + reached.passed + reached.unknown
    if not runs:
        return ""
    failed = f", {reached.failed} of them failed" if reached.failed and runs > 1 else ", which failed" * reached.failed
    return f" {'One recorded run' if runs == 1 else f'{runs} recorded runs'} went through these lines{failed}."
