"""A step before it has its id, and the anchors that elements and frames give."""

from dataclasses import dataclass, field
from typing import Any

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.steps import Effect, ErrorInfo, Part, StepEvent, Usage
from harnessfix_ir.vocabulary import AnchorKind, Route, Status, StepKind

from .lines import Line, Order, integer, string

Frame = tuple[str, str, int]


@dataclass
class Draft:
    """A step before it has its id; `key` is the span id, or one made up for exceptions."""

    key: str
    up: str | None
    order: Order
    kind: StepKind
    name: str
    started_ns: int | None
    ended_ns: int | None = None
    agent: str | None = None
    input: list[Part] = field(default_factory=list)
    output: list[Part] = field(default_factory=list)
    status: Status = Status.OK
    error: ErrorInfo | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    effects: list[Effect] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    events: list[StepEvent] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def element_anchor(element: Line, kind: AnchorKind, reason: str) -> Anchor | None:
    """The place of an instrumented element; None when the plan does not tell it."""
    path = string(element.get("path"))
    if path is None:
        return None
    start = max(1, integer(element.get("line")) or 1)
    return Anchor(
        path=path,
        qualname=string(element.get("fn")) or "<module>",
        start_line=start,
        end_line=max(start, integer(element.get("end")) or start),
        content_hash=string(element.get("hash")) or "",
        kind=kind,
        route=Route.PROBE,
        reason=reason,
    )


def line_anchor(frame: Frame, reason: str) -> Anchor:
    """The line that a stack or a traceback names."""
    path, name, line = frame
    return Anchor(
        path=path,
        qualname=name,
        start_line=line,
        end_line=line,
        kind=AnchorKind.CALL,
        route=Route.STACK,
        reason=reason,
    )


def frames(value: Any) -> list[Frame]:
    """Frames as the probe tells them, with names as the harness model spells them; what is no frame is left out."""
    found = []
    for frame in value if isinstance(value, list) else ():
        if isinstance(frame, list) and len(frame) == 3 and isinstance(frame[0], str) and isinstance(frame[1], str):
            found.append((frame[0], clean(frame[1]), max(1, integer(frame[2]) or 1)))
    return found


def clean(name: str) -> str:
    """A qualified name as the harness model spells it."""
    return name.replace(".<locals>", "")
