"""What instrumented code calls: spans of functions, handlers, loops and cuts, with the step each happens in."""

import contextvars
import os
import sys
import time

from . import children
from .errors import describe
from .values import class_name

CAP, CAP_ROLE = 400, 20000
UNCAPPED = ("agent_loop", "model_call", "tool")
DEEP = 40
NEAR = 8

current = contextvars.ContextVar("harnessfix_step", default=None)


class Probe:
    """State of the probe in this process.

    Args:
        spool, encoder: where and how lines are written.
        places: absolute file name to path in the plan.
        elements: what the plan says of each instrumented place, by number.
        trace: trace id, 32 hex digits.
        parent: span id that this process was started in, None at the top.
    """

    def __init__(self, spool, encoder, places, elements, trace, parent):
        self.spool, self.encoder, self.places, self.elements = spool, encoder, places, elements
        self.trace, self.parent = trace, parent
        self.counts = {}
        self.trouble = {}
        self._prefix = os.urandom(4).hex()
        self._number = 0

    def after_fork(self):
        """In a forked child: new span ids."""
        self._prefix = os.urandom(4).hex()
        self.spool.after_fork()

    def new_id(self):
        """A span id, 16 hex digits."""
        self._number += 1
        return "%s%08x" % (self._prefix, self._number)

    def failed(self, where, error):
        """Count an error of the probe itself; each sort is written once."""
        key = "%s: %s: %s" % (where, type(error).__name__, error)
        self.trouble[key] = self.trouble.get(key, 0) + 1
        if self.trouble[key] == 1:
            self.spool.write({"t": "trouble", "what": key[:400]})

    # -- what instrumented code calls ----------------------------------------------------------------------------

    def span(self, number, arguments):
        """A function with a role begins; `arguments` maps names to values."""
        try:
            element = self.elements[number]
            count = self.counts.get(number, 0) + 1
            self.counts[number] = count
            if count > (CAP_ROLE if element["role"] in UNCAPPED else CAP):
                if count % 1000 == 0:
                    self.spool.write({"t": "capped", "e": number, "n": count})
                return _SILENT
            return Span(self, number, element, arguments)
        except Exception as error:
            self.failed("span", error)
            return _SILENT

    def handled(self, number):
        """An `except` clause was entered."""
        try:
            error = sys.exc_info()[1]
            key = (number, "handled")
            count = self.counts[key] = self.counts.get(key, 0) + 1
            if error is None or count > CAP_ROLE:
                return
            told = describe(error, self.places, self.spool.text)
            self.spool.write({"t": "handled", "up": self.up(), "e": number, "exc": told, "time": time.time_ns()})
        except Exception as failure:
            self.failed("handled", failure)

    def loop(self, number):
        """A planned loop begins."""
        return Loop(self, number)

    def cut(self, number, value, lower, upper, step):
        """A planned slice: the same result as `value[lower:upper:step]`, with the lengths told when it shortened."""
        result = value[lower:upper:step]
        try:
            if isinstance(value, (str, bytes, list, tuple)) and len(result) < len(value):
                key = (number, "cut")
                count = self.counts[key] = self.counts.get(key, 0) + 1
                if count <= CAP:
                    line = {"t": "cut", "up": self.up(), "e": number, "before": len(value), "after": len(result)}
                    self.spool.write(line)
        except Exception as error:
            self.failed("cut", error)
        return result

    def up(self):
        """Id of the current step, or of the one this process was started in."""
        step = current.get()
        return self.parent if step is None else step.id


class _Silent:
    """Stands for a span that is not recorded."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def ret(self, value):
        return value

    suspend = resume = ret


_SILENT = _Silent()


class Span:
    """One call of a function with a role."""

    __slots__ = ("_arguments", "_element", "_number", "_value", "above", "id", "io", "loops", "probe", "spawned")

    def __init__(self, probe, number, element, arguments):
        self.probe, self._number, self._element, self._arguments = probe, number, element, arguments
        self._value = _NOTHING
        self.above, self.id, self.loops, self.spawned, self.io = None, None, (), 0, 0

    def __enter__(self):
        probe = self.probe
        try:
            children.patch_when_loaded()
            self.above = current.get()
            self.id = probe.new_id()
            arguments = {}
            for name, value in self._arguments.items():
                if name in ("self", "cls"):
                    arguments["self"] = class_name(value)
                else:
                    arguments[name] = probe.encoder.encode(value)
            self._arguments = None
            line = {"t": "start", "id": self.id, "up": probe.up(), "e": self._number, "args": arguments}
            line["stack"] = self._stack()
            line["time"] = time.time_ns()
            line["thread"] = _thread_name()
            probe.spool.write(line)
            current.set(self)
        except Exception as error:
            probe.failed("start", error)
            self.id = None
        return self

    def ret(self, value):
        """The function returns `value`."""
        self._value = value
        return value

    def suspend(self, value):
        """A generator hands `value` out; what its caller does meanwhile is not inside this step."""
        if current.get() is self:
            current.set(self.above)
        return value

    def resume(self, value):
        """The generator goes on, perhaps for another caller."""
        self.above = current.get()
        current.set(self)
        return value

    def __exit__(self, kind, error, traceback):
        probe = self.probe
        if self.id is None:
            return False
        try:
            for loop in self.loops:
                loop.left("return" if error is None else "exception")
            line = {"t": "end", "id": self.id, "time": time.time_ns()}
            if error is not None and not isinstance(error, GeneratorExit):
                line["exc"] = describe(error, probe.places, probe.spool.text)
            elif self._value is not _NOTHING:
                line["value"] = probe.encoder.encode(self._value)
            if self.spawned:
                line["spawned"] = self.spawned
                line["kids"] = children.alive(probe.trace, self.id)
            probe.spool.write(line)
        except Exception as failure:
            probe.failed("end", failure)
        finally:
            self._value = _NOTHING
            if current.get() is self:
                current.set(self.above)
        return False

    def _stack(self):
        places, frames, depth = self.probe.places, [], 0
        frame = sys._getframe(2)
        while frame is not None and depth < DEEP and len(frames) < NEAR:
            code = frame.f_code
            path = places.get(code.co_filename)
            if path is not None:
                frames.append([path, getattr(code, "co_qualname", code.co_name), frame.f_lineno])
            frame = frame.f_back
            depth += 1
        return frames


_NOTHING = object()


class Loop:
    """One execution of a planned loop."""

    __slots__ = ("_done", "_n", "_number", "_probe", "_step")

    def __init__(self, probe, number):
        self._probe, self._number, self._n, self._done = probe, number, 0, False
        self._step = current.get()
        if self._step is not None and self._step.id is not None:
            self._step.loops = (*self._step.loops, self)

    def tick(self):
        """An iteration begins."""
        self._n += 1
        if self._n <= CAP_ROLE:
            self._write({"t": "tick", "n": self._n})

    def left(self, why):
        """The loop ended: `break`, `exhausted`, `condition`, `return` or `exception`."""
        if not self._done:
            self._done = True
            self._write({"t": "loop", "n": self._n, "why": why})

    def _write(self, line):
        try:
            line.update(
                up=self._probe.parent if self._step is None else self._step.id, e=self._number, time=time.time_ns()
            )
            self._probe.spool.write(line)
        except Exception as error:
            self._probe.failed("loop", error)


def _thread_name():
    threading = sys.modules.get("threading")
    return threading.current_thread().name if threading is not None else "MainThread"
