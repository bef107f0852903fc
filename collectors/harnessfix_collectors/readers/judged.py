"""What an export says around its spans: marks for a run, kept away from its steps, and keys of the page around them."""

from collections.abc import Sequence
from typing import Any

from harnessfix_collectors.values import mapping
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


def beside(value: Any, *lists: str) -> dict[str, Any]:
    """Keys of a page beside the list of its items: cursors, totals. Empty when the value is no page.

    Args:
        value: one JSON value of a file.
        lists: keys under which items may lie.
    """
    page = mapping(value)
    if not any(isinstance(page.get(key), list) for key in lists):
        return {}
    return {key: item for key, item in page.items() if key not in lists and item not in (None, "", [], {})}


def on_pages(recording: Recording, pages: Sequence[Any]) -> Recording:
    """`recording` with the keys of the pages it came on under `pages` in its run's attributes."""
    if not pages:
        return recording
    attributes = {**recording.run.attributes, "pages": list(pages)}
    return recording.model_copy(update={"run": recording.run.model_copy(update={"attributes": attributes})})
