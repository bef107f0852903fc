"""In which step a task of asyncio began. From Python 3.12 on its context says so; up to 3.11 its loop is watched."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from types import ModuleType
    from typing import Any

    from .spans import Span

TOLD = sys.version_info >= (3, 12)
_began: MutableMapping[Any, Span] = {}


def watch_loops(module: ModuleType) -> None:
    """Note of each task that a loop makes the step that asked for it.

    Args:
        module: `asyncio.base_events`.
    """
    global _began
    if TOLD:
        return
    from weakref import WeakKeyDictionary

    from .spans import current

    _began = WeakKeyDictionary()
    loop: Any = module.BaseEventLoop
    original = loop.create_task

    def create_task(self: Any, *args: Any, **keywords: Any) -> Any:
        task = original(self, *args, **keywords)
        step = current.get()
        if step is not None and type(task).__weakrefoffset__:  # a factory of the program's may make anything
            _began[task] = step
        return task

    loop.create_task = create_task


def birth(task: Any) -> Span | None:
    """The step that a task began in, None for one that began in none."""
    from .spans import current

    step: Span | None = task.get_context().get(current) if TOLD else _began.get(task)
    return step


def began_in(task: Any, span: Span) -> bool:
    """Whether a task began in a step, or in one inside it."""
    step = birth(task)
    while step is not None and step is not span:
        step = step.above
    return step is span
