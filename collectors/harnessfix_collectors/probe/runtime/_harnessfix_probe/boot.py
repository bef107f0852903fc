"""Start the probe in this process, by the environment that `harnessfix record` set."""

import atexit
import builtins
import json
import os
import sys
import time

from . import VERSION, children, effects
from .hook import Finder, claim_script
from .redact import Redactor
from .rewrite import PROBE
from .spool import Spool
from .steps import Probe
from .values import Encoder

PLAN, SPOOL, TRACE = "HARNESSFIX_PLAN", "HARNESSFIX_SPOOL", "HARNESSFIX_TRACE"


def start():
    """Start, if the environment says so and it was not done before."""
    if PLAN not in os.environ or SPOOL not in os.environ or hasattr(builtins, PROBE):
        return None
    with open(os.environ[PLAN], encoding="utf-8") as file:
        plan = json.load(file)
    return install(plan, os.environ[SPOOL], os.environ[TRACE])


def install(plan, folder, trace):
    """Start the probe in this process by a plan.

    Args:
        plan: as `harnessfix_collectors.probe.plan` makes it.
        folder: for the spool files.
        trace: trace id.
    """
    redactor = Redactor()
    spool = Spool(folder, redactor.scrub if plan.get("redact", True) else str)
    encoder = Encoder(spool.text)
    places = {}
    for path, part in plan["files"].items():
        places[path] = part["path"]
    probe = Probe(spool, encoder, places, plan["elements"], trace, _parent(trace))
    spool.first = {
        "t": "run",
        "version": VERSION,
        "trace": trace,
        "pid": os.getpid(),
        "up": probe.parent,
        "argv": [spool.scrub(argument) for argument in getattr(sys, "orig_argv", sys.argv)],
        "cwd": os.getcwd(),
        "python": "%d.%d.%d" % sys.version_info[:3],
        "time": time.time_ns(),
    }
    spool.write(spool.first)
    setattr(builtins, PROBE, probe)
    finder = Finder(probe, plan["files"], plan.get("cache"))
    sys.meta_path.insert(0, finder)
    script = sys.argv[0] if getattr(sys, "argv", None) else ""
    if script and os.path.realpath(script) in plan["files"] and os.path.isfile(script):
        claim_script(finder, script)
    children.install(probe)
    effects.install(probe, [sys.prefix, sys.base_prefix, sys.exec_prefix, folder, plan.get("cache")])
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=probe.after_fork)
    _watch_exit(probe, redactor)
    return probe


def _parent(trace):
    parts = os.environ.get("TRACEPARENT", "").split("-")
    return parts[2] if len(parts) == 4 and parts[1] == trace and parts[2].strip("0") else None


def _watch_exit(probe, redactor):
    before = sys.excepthook

    def excepthook(kind, error, traceback):
        try:
            from .errors import describe

            told = describe(error, probe.places, probe.spool.text)
            probe.spool.write({"t": "uncaught", "exc": told, "time": time.time_ns()})
            shown = traceback
            while shown is not None and shown.tb_frame.f_code.co_filename == "<frozen runpy>":
                shown = shown.tb_next
            if shown is not None:
                error, traceback = error.with_traceback(shown), shown
        except Exception as failure:
            probe.failed("uncaught", failure)
        before(kind, error, traceback)

    sys.excepthook = excepthook

    def ended():
        capped = {number: count for number, count in probe.counts.items() if isinstance(number, int) and count > 400}
        for number, count in capped.items():
            probe.spool.write({"t": "count", "e": number, "n": count})
        probe.spool.write({"t": "exit", "pid": os.getpid(), "redacted": redactor.count, "time": time.time_ns()})

    atexit.register(ended)
