"""What Python complains of when it is too late: exceptions of tasks and threads that nobody took, coroutines that
nobody awaited, tasks that were thrown away before their end.

Only those of the harness are told; Python's own complaint follows.
"""

from __future__ import annotations

import warnings

from .births import birth
from .jsontext import dumps
from .system import System

LONGEST = 200

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

    from .later import Later
    from .probe import Probe


class Complaints:
    """Listens to this process.

    Args:
        probe: the probe.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe

    def watch(self, later: Later) -> None:
        """Listen from now on; to threads and loops once there are any."""
        later.add("threading", self._threads)
        later.add("asyncio.base_events", self._loops)
        warned = getattr(warnings, "_warn_unawaited_coroutine", None)
        if warned is None:
            return

        def warn(coroutine: Any) -> Any:
            self._tell("coroutine", getattr(coroutine, "cr_code", None))
            return warned(coroutine)

        warnings._warn_unawaited_coroutine = warn  # type: ignore[attr-defined]

    def _threads(self, module: ModuleType) -> None:
        shown: Any = module.excepthook

        def excepthook(told: Any) -> Any:
            self._tell("thread", None, told.exc_value)
            return shown(told)

        module.excepthook = excepthook  # type: ignore[attr-defined]

    def _loops(self, module: ModuleType) -> None:
        loop: Any = module.BaseEventLoop
        handled = loop.call_exception_handler

        def call_exception_handler(its: Any, context: Any) -> Any:
            self._task(context)
            return handled(its, context)

        loop.call_exception_handler = call_exception_handler

    def _task(self, context: dict[str, Any]) -> None:
        try:
            message, error = str(context.get("message")), context.get("exception")
            task = context.get("task") or context.get("future")
            if task is None or not ("never retrieved" in message or "destroyed" in message):
                return
            coroutine = task.get_coro() if hasattr(task, "get_coro") else None
            step = birth(task) if coroutine is not None else None
        except Exception as failure:
            self._probe.failed("complaint", failure)
            return
        kind = "task" if "never retrieved" in message else "destroyed"
        self._tell(kind, getattr(coroutine, "cr_code", None), error, None if step is None else step.id)

    def _tell(self, kind: str, code: CodeType | None, error: Any = None, up: str | None = None) -> None:
        probe = self._probe
        try:
            place = None if code is None else probe.places.get(code.co_filename)
            told = None if error is None else probe.errors.describe(error)
            if (place is None and not (told and told["frames"])) or not probe.may("complaint", 0):
                return
            line: dict[str, object] = {"t": "complaint", "kind": kind, "up": up or probe.up(), "time": System.now()}
            if place is not None and code is not None:
                line["at"] = [place, getattr(code, "co_qualname", code.co_name)[:LONGEST], code.co_firstlineno]
            if told is not None:
                line["exc"] = told
            probe.spool.line(dumps(line))
        except Exception as failure:  # the complaint itself must be heard
            probe.failed("complaint", failure)
