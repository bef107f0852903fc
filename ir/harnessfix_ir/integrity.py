"""Invariants of HTIR documents and harness models: what every producer keeps and every reader may rely on."""

from .errors import BadDocumentError
from .harness import HarnessModel
from .htir import Htir
from .steps import Span, TraceLink, TraceStep
from .vocabulary import ElementRole


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


def check_model(model: HarnessModel) -> None:
    """Raise `BadDocumentError` unless ids are unique and places and calls lead to files and functions it holds."""
    files = {file.path: file for file in model.files}
    seen: set[str] = set()
    functions: set[str] = set()
    for element in model.elements:
        if element.id in seen:
            raise BadDocumentError(f"two elements have the id {element.id}")
        seen.add(element.id)
        at, file = element.anchor, files.get(element.anchor.path)
        if file is None:
            raise BadDocumentError(f"{element.id} stands in {at.path}, which is not in the model")
        if file.error:
            raise BadDocumentError(f"{element.id} stands in {at.path}, which could not be read")
        if not 1 <= at.start_line <= at.end_line <= max(file.lines, 1):
            raise BadDocumentError(f"{element.id} cites lines {at.start_line} to {at.end_line} of {file.lines}")
        for fact in element.facts:
            if not 0 <= fact.line <= max(file.lines, 1):
                raise BadDocumentError(f"{element.id} cites line {fact.line} of {file.lines} for {fact.name}")
        if element.role is ElementRole.FUNCTION:
            functions.add(at.symbol)
    for call in model.calls:
        if call.caller.rpartition(":")[0] not in files:
            raise BadDocumentError(f"a call of {call.callee} is in {call.caller}, which is not in the model")
        if call.resolved and call.resolved not in functions:
            raise BadDocumentError(f"{call.caller} calls {call.resolved}, which is not in the model")


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
