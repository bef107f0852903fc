"""Exceptions that the probe saw, as drafts: one `raise TYPE` for each exception object, one `except TYPE` for each
clause that caught it."""

from collections.abc import Iterator
from typing import Any

from harnessfix_ir.steps import ErrorInfo, Part
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import AnchorKind, Status, StepKind

from .draft import Draft, element_anchor, frames, line_anchor
from .expand import Expander
from .lines import Line, Order, SpoolDocument, integer

DEEPEST = 10
COMPLAINTS = {
    "task": "the failure of {} was never looked at",
    "thread": "{} ended its thread",
    "coroutine": "{} was never awaited",
    "destroyed": "{} was thrown away before its end",
}


class Failures:
    """Makes drafts of the exceptions of a document.

    Args:
        document: the lines.
        pool: where texts go.
        expander: of the document.
    """

    def __init__(self, document: SpoolDocument, pool: TextPool, expander: Expander) -> None:
        self.document, self.pool, self.expander = document, pool, expander
        self._raised: set[str] = set()

    def drafts(self) -> Iterator[Draft]:
        """In order of time: the first sight of an exception object is where it was raised."""
        spans = self.document.spans.values()
        lines: list[tuple[Order, str | None, Line]] = [(s.ended, s.id, s.end) for s in spans if s.end is not None]
        lines += [*self.document.handled, *self.document.uncaught, *self.document.complaints]
        for order, up, line in sorted(lines, key=lambda item: item[0]):
            known = up if up in self.document.spans else None
            if isinstance(line.get("exc"), dict):
                yield from self._failure(order, known, line)
            if line.get("t") == "complaint":
                yield self._complaint(order, known, line)

    def error(self, exc: Any) -> ErrorInfo | None:
        """An exception with its causes; None when there is none."""
        return self._error(exc, 0) if isinstance(exc, dict) else None

    def _error(self, exc: dict[str, Any], depth: int) -> ErrorInfo:
        cause = exc.get("cause")
        message = self.expander.expand(exc.get("message"))
        return ErrorInfo(
            type=str(exc.get("type")),
            message=message if isinstance(message, str) else "",
            traceback="\n".join(f"{path}:{line} in {name}" for path, name, line in frames(exc.get("frames"))),
            cause=self._error(cause, depth + 1) if isinstance(cause, dict) and depth < DEEPEST else None,
        )

    def _failure(self, order: Order, up: str | None, line: Line) -> Iterator[Draft]:
        exc = line["exc"]
        identity, info = str(exc.get("id")), self._error(exc, 0)
        name = info.type.rpartition(".")[2]
        told: dict[str, Any] = {"exc_id": identity, "raised_in": _place(exc.get("raised")), "chained": "from" in exc}
        group = [found for inner in exc.get("group") or () if (found := self.error(inner))] if "group" in exc else []
        if group:
            told["group"] = [{"type": inner.type, "message": inner.message} for inner in group]
        time_ns = integer(line.get("time"))
        if line.get("t") in ("escaped", "uncaught"):
            told["left_harness"] = True
        if identity not in self._raised:
            self._raised.add(identity)
            seen = frames(exc.get("frames"))
            yield Draft(
                key=f"raise-{order[1]}",
                up=up,
                order=order,
                kind=StepKind.ERROR,
                name=f"raise {name}",
                started_ns=time_ns,
                ended_ns=time_ns,
                status=Status.ERROR,
                error=info,
                anchors=[line_anchor(seen[-1], "innermost harness frame of the exception")] if seen else [],
                attributes=dict(told),
            )
        if line.get("t") == "handled":
            yield self._caught(order, up, line, info, told)

    def _caught(self, order: Order, up: str | None, line: Line, info: ErrorInfo, told: dict[str, Any]) -> Draft:
        element = self.document.element(line.get("e"))
        anchor = element_anchor(element, AnchorKind.HANDLER, "the clause that caught it")
        return Draft(
            key=f"except-{order[1]}",
            up=up,
            order=(order[0], order[1]),
            kind=StepKind.ERROR,
            name=f"except {info.type.rpartition('.')[2]}",
            started_ns=integer(line.get("time")),
            ended_ns=integer(line.get("time")),
            output=[Part(role="value", text=self.pool.put(info.message), name="message")],
            anchors=[] if anchor is None else [anchor],
            attributes={**told, "element": element.get("id", "")},
        )

    def _complaint(self, order: Order, up: str | None, line: Line) -> Draft:
        """What Python said when it was too late, as a step of where the task or coroutine began."""
        kind, exc = str(line.get("kind")), line.get("exc")
        error = self._error(exc, 0) if isinstance(exc, dict) else None
        at = frames([line.get("at")]) or (frames(exc.get("frames")) if isinstance(exc, dict) else [])
        told: dict[str, Any] = {"complaint": kind}
        if isinstance(exc, dict):
            told["exc_id"] = str(exc.get("id"))
        what = at[0][1] if at else kind
        return Draft(
            key=f"complaint-{order[1]}",
            up=up,
            order=order,
            kind=StepKind.LIFECYCLE,
            name=COMPLAINTS.get(kind, "{} came to nothing").format(what),
            started_ns=integer(line.get("time")),
            ended_ns=integer(line.get("time")),
            output=[] if error is None else [Part(role="value", text=self.pool.put(error.message), name="message")],
            anchors=[line_anchor(at[0], "what was begun there")] if at else [],
            attributes=told,
        )


def _place(value: Any) -> list[Any] | None:
    found = frames([value])
    return None if not found else list(found[0])
