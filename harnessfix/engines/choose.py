"""Which engine a command uses."""

import os

from harnessfix_ir.errors import SettingsError

from .base import Engine
from .serial import Serial

ENGINES = ("local", "ray")
WORTH_A_WORKER = 20
"""Runs below which starting another process (about a second of its time) gains nothing."""


def choose_engine(name: str = "local", jobs: int = 0, *, units: int | None = None) -> Engine:
    """The engine of that name.

    Args:
        name: `local` or `ray`.
        jobs: processes, or tasks at a time on a cluster; 0 for as many as there are cores (and work worth them).
        units: how many runs or files there are to work on, where that is known.

    Raises:
        SettingsError: there is no such engine, or it is not installed.
    """
    if name == "ray":
        from harnessfix.engines.ray import Ray

        return Ray(jobs)
    if name != "local":
        raise SettingsError(f"no engine is called {name!r}", hint=f"Engines: {', '.join(ENGINES)}.")
    workers = jobs or min(cores(), max(1, (units if units is not None else 0) // WORTH_A_WORKER))
    if workers == 1:
        return Serial()
    from .processes import Processes

    return Processes(workers)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
