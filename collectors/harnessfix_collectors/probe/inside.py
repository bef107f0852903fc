"""What happened inside a span: rounds of loops, cuts, effects, processes left behind."""

from typing import Any

from harnessfix_ir.steps import Effect, StepEvent
from harnessfix_ir.vocabulary import AnchorKind

from .draft import Draft, element_anchor
from .expand import Expander
from .lines import Line, SpoolDocument, integer, mapping, string

EFFECTS = {
    "read": "read",
    "write": "artifact",
    "delete": "state",
    "chdir": "state",
    "connect": "state",
    "spawn": "state",
    "exec": "state",
}


def add_inside(line: Line, draft: Draft, document: SpoolDocument, expander: Expander) -> None:
    """Add to a step what one line says happened in it."""
    match line.get("t"):
        case "io":
            what, operation = expander.expand(line.get("what")), str(line.get("op"))
            if isinstance(what, str):
                draft.effects.append(Effect(effect=EFFECTS.get(operation, "state"), resource=what, detail=operation))
        case "io_capped":
            draft.missing.append(f"only the first {integer(line.get('most')) or 0} effects were recorded")
        case "tick":
            draft.events.append(_event("iteration", line, document, {"n": integer(line.get("n"))}, "loop"))
        case "loop":
            told = {"n": integer(line.get("n")), "why": str(line.get("why"))}
            draft.events.append(_event("loop_ended", line, document, told, "loop"))
        case "cut":
            told = {"before": integer(line.get("before")), "after": integer(line.get("after"))}
            draft.events.append(_event("cut", line, document, told, "element"))
        case "fell":
            told = {key: line.get(key) for key in ("value", "default")}
            draft.events.append(_event("fell_back", line, document, told, "element"))
        case "log":
            draft.events.append(log_event(line, expander))


def log_event(line: Line, expander: Expander) -> StepEvent:
    """What an instrumentation sent as a log record."""
    attributes = mapping(expander.expand(line.get("attributes")))
    told = {key: value for key, value in attributes.items() if value is not None}
    return StepEvent(name=string(line.get("name")) or "log", time_ns=integer(line.get("time")), attributes=told)


def add_children(end: Line, draft: Draft) -> None:
    """Add to a step the processes that were alive when it ended."""
    if "spawned" not in end:
        return
    kids = end.get("kids")
    if kids is None:
        draft.missing.append("processes left behind cannot be seen on this system")
    elif isinstance(kids, list) and kids:
        told: dict[str, Any] = {
            "pids": [integer(mapping(kid).get("pid")) for kid in kids],
            "commands": [string(mapping(kid).get("cmd")) or "" for kid in kids],
            "spawned": integer(end.get("spawned")),
        }
        draft.events.append(StepEvent(name="children_alive", time_ns=draft.ended_ns, attributes=told))


def _event(name: str, line: Line, document: SpoolDocument, told: dict[str, Any], key: str) -> StepEvent:
    element = document.element(line.get("e"))
    return StepEvent(
        name=name,
        time_ns=integer(line.get("time")),
        anchor=element_anchor(element, AnchorKind.LOOP if key == "loop" else AnchorKind.CALL, ""),
        attributes={**told, key: string(element.get("id")) or ""},
    )
