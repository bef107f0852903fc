"""What a harness showed its model between two of its turns."""

from dataclasses import dataclass

from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceStep

from ._query import added_messages

SHOWN = frozenset({"user", "tool", "function", "observation", "tool-response", "tool_response", "tool_result"})
"""Roles under which harnesses show what happened; some have names of their own."""


@dataclass(frozen=True)
class Observation:
    """A text that a harness put before its model: the request, its part, and the text."""

    request: TraceStep
    part: Part
    text: str


def observations(run: Htir) -> list[Observation]:
    """What the harness added between two model turns; the task itself is not an observation."""
    found = []
    for request, before, parts in added_messages(run):
        if before is None:
            continue
        for part in parts:
            if part.role in SHOWN and part.kind != "tool_call":
                found.append(Observation(request, part, run.text(part)))
    return found
