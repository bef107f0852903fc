"""Marks that an export carries for a run: kept with the run, away from its steps."""

from collections.abc import Sequence
from typing import Any

from harnessfix_ir.recording import Recording

from .base import EVALUATION


def judged(recording: Recording, marks: Sequence[Any], score: float | None = None) -> Recording:
    """`recording` with marks under `evaluation` in its run's attributes; the same one when there are none.

    Args:
        marks: feedback, scores, annotations as they stood there.
        score: the one number among them, when there is just one.
    """
    if not marks:
        return recording
    attributes = {**recording.run.attributes, EVALUATION: {"marks": list(marks)}}
    changed: dict[str, Any] = {"attributes": attributes}
    if score is not None:
        changed["score"] = score
        if not recording.run.outcome_by:
            changed["outcome_by"] = EVALUATION
    return recording.model_copy(update={"run": recording.run.model_copy(update=changed)})
