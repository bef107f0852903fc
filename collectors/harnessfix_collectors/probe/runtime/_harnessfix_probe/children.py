"""Processes and threads that a step starts: they carry its id, so that what outlives it can be seen.

Child processes inherit the W3C `TRACEPARENT` of the step that started them. On Linux `/proc/PID/environ` then tells,
when the step ends, who is still alive on its behalf. Elsewhere this is not observed, and said to be so.
"""

import functools
import os
import sys
import time

_patched = set()
_probe = None
SETTLE = 0.06
ENVIRONMENT_POSITION = 10


def install(probe):
    """Remember the probe and patch what is already imported."""
    global _probe
    _probe = probe
    patch_when_loaded()


def patch_when_loaded():
    """Patch `subprocess`, `threading` and thread pools as soon as the program has imported them."""
    if len(_patched) == len(_PATCHES):
        return
    for name, patch in _PATCHES.items():
        if name not in _patched and name in sys.modules:
            module = sys.modules[name]
            if getattr(getattr(module, "__spec__", None), "_initializing", False):
                continue
            _patched.add(name)
            patch(module)


def traceparent(trace, span):
    """The value of TRACEPARENT for a child of `span`."""
    return "00-%s-%s-01" % (trace, span)


def _step():
    from .steps import current

    return current.get()


def _patch_subprocess(module):
    original = module.Popen.__init__

    @functools.wraps(original)
    def __init__(self, *args, **kwargs):
        step = _step()
        if step is not None and step.id is not None and len(args) <= ENVIRONMENT_POSITION:
            try:
                given = kwargs.get("env")
                environment = dict(os.environ if given is None else given)
                mark = traceparent(_probe.trace, step.id)
                if any(isinstance(key, bytes) for key in environment):
                    environment[b"TRACEPARENT"] = mark.encode("ascii")
                else:
                    environment["TRACEPARENT"] = mark
                kwargs["env"] = environment
                step.spawned += 1
                command = args[0] if args else kwargs.get("args")
                _probe.spool.write(
                    {
                        "t": "io",
                        "up": step.id,
                        "op": "spawn",
                        "what": _probe.encoder.encode(command),
                        "time": time.time_ns(),
                    }
                )
            except Exception as error:
                _probe.failed("spawn", error)
        original(self, *args, **kwargs)

    module.Popen.__init__ = __init__


def _carry(function, step):
    def carried(*args, **kwargs):
        from .steps import current

        before = current.get()
        current.set(step)
        try:
            return function(*args, **kwargs)
        finally:
            current.set(before)

    return carried


def _patch_threading(module):
    original = module.Thread.start

    @functools.wraps(original)
    def start(self):
        step = _step()
        if step is not None:
            self.run = _carry(self.run, step)
        return original(self)

    module.Thread.start = start


def _patch_thread_pool(module):
    original = module.ThreadPoolExecutor.submit

    @functools.wraps(original)
    def submit(self, fn, /, *args, **kwargs):
        step = _step()
        return original(self, fn if step is None else _carry(fn, step), *args, **kwargs)

    module.ThreadPoolExecutor.submit = submit


_PATCHES = {
    "subprocess": _patch_subprocess,
    "threading": _patch_threading,
    "concurrent.futures.thread": _patch_thread_pool,
}


def alive(trace, span):
    """Processes that carry the id of `span` and still live, or None where that cannot be seen.

    A process that is just being ended is given a moment: only what is alive after it counts.
    """
    if not os.path.isdir("/proc/self"):
        return None
    mark = ("TRACEPARENT=" + traceparent(trace, span)).encode("ascii")
    end = time.monotonic() + SETTLE
    found = _scan(mark)
    while found and time.monotonic() < end:
        time.sleep(0.01)
        found = [process for process in found if _state(process["pid"]) not in (None, b"Z", b"X")]
    return found


def _scan(mark):
    found, own = [], os.getpid()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == own:
            continue
        try:
            with open("/proc/%s/environ" % name, "rb") as file:
                if mark not in file.read():
                    continue
            if _state(int(name)) in (None, b"Z", b"X"):
                continue
            with open("/proc/%s/cmdline" % name, "rb") as file:
                command = file.read(4000).replace(b"\0", b" ").decode("utf-8", "replace").strip()
            found.append({"pid": int(name), "cmd": _probe.spool.scrub(command)[:400]})
        except OSError:
            continue
    return found


def _state(pid):
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            return file.read().rpartition(b") ")[2][:1]
    except OSError:
        return None
