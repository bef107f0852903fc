"""Anchors: places in a harness that a person can edit."""

from .document import Document
from .vocabulary import AnchorKind, Evidence, Route


class Anchor(Document):
    """A place in the harness, and how it was tied to the step or finding that holds it.

    Args:
        path: relative to the harness root, with forward slashes.
        qualname: dotted name inside the file (`Agent.observe`), a key path for configuration (`agent.step_limit`),
            `<module>` for module level.
        start_line: first line, counted from 1.
        end_line: last line, inclusive.
        content_hash: first 16 hex digits of the SHA-256 of those lines as bytes; empty when the file was not read.
        kind: what sort of place it is.
        route: how it was tied to its step.
        evidence: rung of the evidence ladder of that tie.
        reason: in a few words, why this place ("the literal that worded this text").
        ties: how many places were as likely as this one, itself counted.
    """

    path: str
    qualname: str
    start_line: int
    end_line: int
    content_hash: str = ""
    kind: AnchorKind = AnchorKind.FUNCTION
    route: Route = Route.STATIC
    evidence: Evidence = Evidence.OBSERVED
    reason: str = ""
    ties: int = 1

    @property
    def place(self) -> str:
        """`path:line`, as editors and terminals understand it."""
        return f"{self.path}:{self.start_line}"

    @property
    def symbol(self) -> str:
        """`path:qualname`, as call edges and the scopes of repairs name functions."""
        return f"{self.path}:{self.qualname}"
