"""Invariants of an HTIR document: what every producer keeps and every reader may rely on."""

from .errors import BadDocumentError
from .htir import Htir
from .steps import Span, TraceLink, TraceStep


def check_integrity(htir: Htir) -> None:
    """Raise `BadDocumentError` unless ids are unique, citations resolve, parents form a forest and spans fit."""
    steps = {step.id: step for step in htir.steps}
    for number, step in enumerate(htir.steps):
        if steps[step.id] is not step:
            raise BadDocumentError(f"two steps have the id {step.id}; the first is number {number + 1}")
    htir.check_citations()
    _check_forest(steps)
    for link in htir.links:
        for source, target in ((link.source_span, link.target_span), *link.pieces):
            _check_span(htir, steps[link.source], source, link)
            _check_span(htir, steps[link.target], target, link)


def _check_forest(steps: dict[str, TraceStep]) -> None:
    rooted: set[str] = set()
    for start in steps:
        path: list[str] = []
        on_path: set[str] = set()
        at: str | None = start
        while at is not None and at not in rooted:
            if at in on_path:
                raise BadDocumentError(f"step {at} lies inside itself")
            path.append(at)
            on_path.add(at)
            at = steps[at].parent
        rooted.update(path)


def _check_span(htir: Htir, step: TraceStep, span: Span | None, link: TraceLink) -> None:
    if span is None:
        return
    parts = {"in": step.input, "out": step.output}.get(span.side)
    if parts is None or not 0 <= span.part < len(parts):
        raise BadDocumentError(
            f"a {link.kind} link cites part {span.part} ({span.side}) of {step.id}, which it has not"
        )
    if not 0 <= span.start <= span.end <= len(htir.text(parts[span.part])):
        raise BadDocumentError(
            f"a {link.kind} link cites characters {span.start} to {span.end} beyond {step.id}'s text"
        )
