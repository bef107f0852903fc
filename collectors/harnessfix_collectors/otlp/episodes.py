"""Which span is the agent's episode where no instrumentation says so.

Many frameworks have no kind for agents: their outermost span is a chain or a plain function.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harnessfix_ir.vocabulary import StepKind

from .span import OtlpSpan

if TYPE_CHECKING:
    from harnessfix_collectors.dialects.base import Normal


def name_episodes(spans: Sequence[OtlpSpan], normals: "Sequence[Normal]") -> None:
    """Make tasks of the outermost lifecycle spans that models were called in, in a trace that has no task.

    Args:
        spans: of one trace, in order of start.
        normals: what the dialects made of them; changed in place.
    """
    if any(normal.kind is StepKind.TASK for normal in normals):
        return
    place = {span.span_id: number for number, span in enumerate(spans)}
    roots: set[int] = set()
    for number, normal in enumerate(normals):
        if normal.kind is StepKind.MODEL_CALL:
            roots.add(_root(number, spans, place))
    for number in roots:
        if normals[number].kind is StepKind.LIFECYCLE:
            normals[number].kind = StepKind.TASK


def _root(number: int, spans: Sequence[OtlpSpan], place: dict[str, int]) -> int:
    seen = {number}
    while (above := place.get(spans[number].parent_id)) is not None and above not in seen:
        seen.add(above)
        number = above
    return number
