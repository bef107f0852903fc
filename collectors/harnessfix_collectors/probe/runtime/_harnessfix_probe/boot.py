"""Start the probe in this process, by the environment that `harnessfix record` set."""

from __future__ import annotations

import atexit
import builtins
import marshal
import os
import sys

from . import VERSION, births, clients, effects, launches, telemetry
from .complaints import Complaints
from .hook import Finder
from .later import Later
from .probe import Probe
from .redact import Redactor
from .script import claim_run_path, claim_script
from .spool import Spool
from .system import System, read_file

PLAN, SPOOL, TRACE = "HARNESSFIX_PLAN", "HARNESSFIX_SPOOL", "HARNESSFIX_TRACE"
PROBE = "@hf"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def start() -> Probe | None:
    """Start, if the environment says so and it was not done before."""
    if PLAN not in os.environ or SPOOL not in os.environ or hasattr(builtins, PROBE):
        return None
    plan = marshal.loads(read_file(os.environ[PLAN]))
    return install(plan, os.environ[SPOOL], os.environ[TRACE])


def install(plan: dict[str, Any], folder: str, trace: str) -> Probe:
    """Start the probe in this process by a plan.

    Args:
        plan: as `harnessfix_collectors.probe.plan` makes it.
        folder: for the spool files.
        trace: trace id.

    Raises:
        OSError: nothing can be written to `folder`.
    """
    spool = Spool(folder, Redactor(patterns=plan.get("redact_patterns", ())) if plan.get("redact", True) else None)
    places = {path: str(file["path"]) for path, file in plan["files"].items()} or _as_imported(plan.get("places", {}))
    probe = Probe(spool, places, plan["elements"], trace, _parent(trace))
    _introduce(probe)
    probe.replies = {number: list(replies) for number, replies in plan.get("replies", {}).items()}
    setattr(builtins, PROBE, probe)
    _instrument(probe, plan)
    launches.mark_children(probe)
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    effects.watch(probe, [sys.prefix, sys.base_prefix, sys.exec_prefix, own, folder, plan.get("cache")])
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=probe.after_fork)
    atexit.register(_finish, probe)
    return probe


def _finish(probe: Probe) -> None:
    """The program is done; what it leaves to its destructors is not."""
    from .late import leave_names

    probe.finish()
    leave_names(probe.places, PROBE)


def _as_imported(places: dict[str, str]) -> dict[str, str]:
    """Places under the names that code is imported by, too, where a folder of modules is reached through a link."""
    found = dict(places)
    for folder in [*sys.path, os.getcwd()]:
        real = os.path.realpath(folder) if folder else ""
        if real and real != folder:
            begins = real + os.sep
            found.update(
                {folder + path[len(real) :]: known for path, known in places.items() if path.startswith(begins)}
            )
    return found


def begin(probe: Probe, folder: str, trace: str) -> None:
    """Write what happens from now on in this process to another folder, as a run of its own.

    Raises:
        OSError: nothing can be written there.
    """
    probe.turn_to(Spool(folder, probe.spool.redactor), trace)
    _introduce(probe)


def _introduce(probe: Probe) -> None:
    spool = probe.spool
    spool.first = {
        "t": "run",
        "version": VERSION,
        "trace": probe.trace,
        "pid": os.getpid(),
        "up": probe.parent,
        "argv": [spool.scrub(argument) for argument in getattr(sys, "orig_argv", sys.argv)],
        "cwd": os.getcwd(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "time": System.now(),
    }
    spool.write(spool.first)


def _instrument(probe: Probe, plan: dict[str, Any]) -> None:
    later = Later(probe.failed)
    finder = Finder(probe, plan, later)
    sys.meta_path.insert(0, finder)
    later.add("asyncio.base_events", births.watch_loops)
    Complaints(probe).watch(later)
    later.add("threading", launches.carry_into_threads)
    later.add("concurrent.futures.thread", launches.carry_into_pools)
    later.add("runpy", claim_run_path(finder))
    clients.watch(probe, later, plan.get("replay"))
    telemetry.watch(probe, later)
    script = sys.argv[0] if getattr(sys, "argv", None) else ""
    if script and os.path.isfile(script) and finder.claims(script):
        claim_script(finder, script)


def _parent(trace: str) -> str | None:
    parts = os.environ.get("TRACEPARENT", "").split("-")
    return parts[2] if len(parts) == 4 and parts[1] == trace and parts[2].strip("0") else None
