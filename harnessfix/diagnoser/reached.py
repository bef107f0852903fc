"""Flaws that the source shows, joined with what ran: a line that a failed run went through weighs more than one that no
run has ever reached."""

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis, Support
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Outcome, Route, Status, StepKind

_OBSERVED = (Route.STACK, Route.PROBE)  # ties that the run itself shows


def joined(diagnosis: Diagnosis, run: Htir) -> Diagnosis | None:
    """What the source shows, as a diagnosis in a run that went through its lines; None when no step is its function.

    The step is observed, and that it did harm there is not: evidence and confidence stay those of the source.
    """
    anchor = diagnosis.anchors[0]
    steps = [step for step in run.steps if _stands_in(step, anchor)]
    if not steps:
        return None
    # An exception that was raised or caught there is a step of its own; what it happened in is the step of the code.
    step = max(reversed([step for step in steps if step.kind is not StepKind.ERROR] or steps), key=_trouble)
    return diagnosis.model_copy(
        update={
            "run": run.run.id,
            "responsible_step": step.id,
            "path": (step.id,),
            "joined": True,
            "message": f"{diagnosis.message} {step.name} ({step.id}) is a step of this code.",
        }
    )


def _stands_in(step: TraceStep, anchor: Anchor) -> bool:
    """Whether the innermost place where the step was seen is the anchor's function, or one around it."""
    seen = next((each for each in step.anchors if each.route in _OBSERVED), None)
    return seen is not None and seen.path == anchor.path and f"{anchor.qualname}.".startswith(f"{seen.qualname}.")


def _trouble(step: TraceStep) -> tuple[bool, bool, float]:
    """How much went wrong in a step as far as the run shows: what it left running, how it ended, how long it took."""
    left = any(event.name == "children_alive" for event in step.events)
    return left, step.status is not Status.OK, step.seconds or 0.0


def added(one: Support, other: Support) -> Support:
    """Runs of both."""
    return Support(
        failed=one.failed + other.failed,
        passed=one.passed + other.passed,
        unknown=one.unknown + other.unknown,
        aside=one.aside + other.aside,
    )


def counted(known: Support, outcome: Outcome, *, aside: bool = False) -> Support:
    """One run more of that outcome; `aside` says that it has little to do with the function."""
    name = outcome.value if outcome in (Outcome.FAILED, Outcome.PASSED) else "unknown"
    return known.model_copy(update={name: getattr(known, name) + 1, "aside": known.aside + aside})


def in_words(reached: Support) -> str:
    """A sentence on the runs that went through a flaw's lines; empty when there were none."""
    runs = reached.failed + reached.passed + reached.unknown
    if not runs:
        return ""
    failed = f", {reached.failed} of them failed" if reached.failed and runs > 1 else ", which failed" * reached.failed
    return f" {'One recorded run' if runs == 1 else f'{runs} recorded runs'} went through these lines{failed}."
