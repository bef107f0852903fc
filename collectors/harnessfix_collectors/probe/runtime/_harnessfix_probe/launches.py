"""Processes and threads that a step starts carry its id, so that what they do, and what outlives it, can be told.

The functions that are wrapped lie below those that programs call (`_posixsubprocess.fork_exec`, not
`subprocess.Popen`): no exception that a program sees passes through a frame of ours, so its tracebacks stay the same.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident

from .alive import traceparent
from .spans import current

ENVIRONMENT = 5
NAME = b"TRACEPARENT="

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType
    from typing import Any

    from .probe import Probe
    from .spans import Span


def mark_children(probe: Probe) -> None:
    """Have child processes inherit the `TRACEPARENT` of the step that starts them (POSIX)."""
    try:
        import _posixsubprocess
    except ImportError:
        return
    original = _posixsubprocess.fork_exec

    def fork_exec(*args: Any) -> int:
        step = current.get()
        if step is not None and step.id is not None:
            try:
                args = (*args[:ENVIRONMENT], _marked(args[ENVIRONMENT], probe, step), *args[ENVIRONMENT + 1 :])
            except Exception as error:
                probe.failed("spawn", error)
        return original(*args)

    _posixsubprocess.fork_exec = fork_exec


def _marked(given: list[bytes] | None, probe: Probe, step: Span) -> list[bytes]:
    """The environment that was given, or this process's, with our mark."""
    pairs = [key + b"=" + value for key, value in os.environb.items()] if given is None else list(given)
    others = [pair for pair in pairs if not pair.startswith(NAME)]
    own = [pair for pair in pairs if pair.startswith(NAME)]
    if own and probe.trace.encode("ascii") not in own[0]:  # the program propagates a trace of its own
        return pairs
    mark = NAME + traceparent(probe.trace, step.id or "").encode("ascii")
    if own != [mark]:
        step.spawned += 1
    return [*others, mark]


def mark_popen(probe: Probe, step: Span, frame: FrameType) -> None:
    """The same where `subprocess` does without `fork_exec`: from 3.13 on it mostly calls `os.posix_spawn`.

    Args:
        probe, step: the probe and its current step.
        frame: of `Popen._execute_child`, when it raises its audit event; its variables can be set from 3.13 on.
    """
    if sys.version_info < (3, 13) or frame.f_code.co_name != "_execute_child":
        return
    given = frame.f_locals.get("env")
    environment = dict(os.environ if given is None else given)
    own = environment.get("TRACEPARENT")
    if b"TRACEPARENT" not in environment and (own is None or probe.trace in own):
        environment["TRACEPARENT"] = traceparent(probe.trace, step.id or "")
        frame.f_locals["env"] = environment
        step.spawned += 1


def carry_into_threads(threading: ModuleType) -> None:
    """Threads begin in the step that started them."""
    for name in ("_start_new_thread", "_start_joinable_thread"):
        if hasattr(threading, name):
            setattr(threading, name, _carrying(getattr(threading, name)))


def _carrying(original: Callable[..., Any]) -> Callable[..., Any]:
    def start(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        step = current.get()
        return original(function if step is None else _inside(function, step), *args, **kwargs)

    return start


def _inside(function: Callable[..., Any], step: Span) -> Callable[..., Any]:
    def begin(*args: Any, **kwargs: Any) -> Any:
        current.set(step)
        ident = get_ident()
        thread = getattr(function, "__self__", None)
        if getattr(getattr(thread, "_target", None), "__module__", "") != "concurrent.futures.thread":  # its pool's own
            step.threads[ident] = (str(getattr(thread, "_name", ident)), bool(getattr(thread, "_daemonic", False)))
        try:
            return function(*args, **kwargs)
        finally:
            step.threads.pop(ident, None)

    return begin


def carry_into_pools(module: ModuleType) -> None:
    """Work that is handed to a pool of threads is done in the step that handed it in."""
    item = module._WorkItem
    make, run = item.__init__, item.run

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 (it replaces one)
        make(self, *args, **kwargs)
        self._harnessfix_step = current.get()

    def run_inside(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = current.get()
        current.set(self._harnessfix_step)
        try:
            return run(self, *args, **kwargs)
        finally:
            current.set(before)

    item.__init__, item.run = __init__, run_inside
