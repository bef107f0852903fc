"""Exceptions as JSON: type, message, frames inside the harness, cause; and a name for each exception object."""

from __future__ import annotations

import sys
from _thread import get_ident

from .jsontext import Json
from .values import type_name

MOST_FRAMES = 30
DEEPEST_CAUSE = 5
MOST_IN_GROUP = 10
MOST_MARKS = 40
MOST_KNOWN = 4096

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from .spool import Spool

    Mark = tuple[int, int, int]


class Errors:
    """Describes exceptions of one process.

    Args:
        places: absolute file name to path in the plan, for files of the harness.
        spool: where long messages go, and whose prefix tells names of this process from those of others.
    """

    def __init__(self, places: Mapping[str, str], spool: Spool) -> None:
        self.places, self.spool = places, spool
        self.asking: set[int] = set()
        self._seen: dict[int, _Seen] = {}
        self._number = 0

    def describe(self, error: BaseException, clause: int | None = None, depth: int = 0) -> dict[str, object]:
        """An exception as plain values.

        Args:
            error: the exception.
            clause: number of the `except` clause that caught it, when one did.
            depth: how many exceptions it is the cause of.
        """
        frames, last, marks = self._walk(error.__traceback__)
        told: dict[str, object] = {
            "id": self._name(error, marks, clause),
            "type": _told_type(type(error)),
            "message": Json(self.spool.text(self._message(error))),
            "frames": frames[-MOST_FRAMES:],
        }
        if last is not None:
            told["raised"] = last
        if error.__cause__ is not None:
            told["from"] = True
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is not None and depth < DEEPEST_CAUSE:
            told["cause"] = self.describe(cause, depth=depth + 1)
        if sys.version_info >= (3, 11) and issubclass(type(error), BaseExceptionGroup) and depth < 2:
            inner = BaseExceptionGroup.exceptions.__get__(error)
            told["group"] = [self.describe(each, depth=depth + 1) for each in inner[:MOST_IN_GROUP]]
        return told

    def _walk(self, traceback: TracebackType | None) -> tuple[list[list[object]], list[object] | None, list[Mark]]:
        frames: list[list[object]] = []
        last: list[object] | None = None
        marks: list[Mark] = []
        while traceback is not None:
            code = traceback.tb_frame.f_code
            path = self.places.get(code.co_filename)
            last = [path or code.co_filename, getattr(code, "co_qualname", code.co_name), traceback.tb_lineno]
            if path is not None:
                frames.append(last)
            marks.append((id(traceback), traceback.tb_lasti, id(code)))
            traceback = traceback.tb_next
        marks.reverse()
        return frames, last, marks

    def _message(self, error: BaseException) -> str:
        """Its text, which code of the program may make: while it does, nothing of it is recorded (see `asking`)."""
        thread = get_ident()
        self.asking.add(thread)
        try:
            return str(error)
        except Exception:
            return "<its message could not be made>"
        finally:
            self.asking.discard(thread)

    def _name(self, error: BaseException, marks: list[Mark], clause: int | None) -> str:
        """A name that an exception object keeps and the next one at its address does not inherit.

        Built-in exceptions take no weak reference, and a strong one would keep their frames alive. An object that is
        seen again has the traceback that it had, continued outwards; no clause catches one twice at the same length.
        """
        known = self._seen.get(id(error))
        if known is None or not known.continues(type(error), marks) or (clause, len(marks)) in known.caught:
            if len(self._seen) >= MOST_KNOWN:
                self._seen.clear()
            self._number += 1
            known = self._seen[id(error)] = _Seen(self._number, id(type(error)))
        known.marks, known.length = marks[:MOST_MARKS], len(marks)
        if clause is not None:
            known.caught.add((clause, len(marks)))
        return f"{self.spool.prefix}x{known.number}"


class _Seen:
    """What is remembered of an exception object: numbers only."""

    __slots__ = ("caught", "kind", "length", "marks", "number")

    def __init__(self, number: int, kind: int) -> None:
        self.number, self.kind = number, kind
        self.marks: list[Mark] = []
        self.length = 0
        self.caught: set[tuple[int | None, int]] = set()

    def continues(self, kind: type, marks: list[Mark]) -> bool:
        """Whether a traceback, innermost first, is the one seen before or continues it outwards."""
        same = id(kind) == self.kind and len(marks) >= self.length
        return same and marks[: len(self.marks)] == self.marks


def _told_type(kind: type) -> str:
    name = type_name(kind)
    return name.removeprefix("builtins.")
