"""Spans: one call of an instrumented function, from its first statement to its end."""

from __future__ import annotations

import sys
from _thread import get_ident
from contextvars import ContextVar

from .isolation import Isolation
from .jsontext import dumps, quote
from .streams import Stream
from .system import System
from .values import class_name, given_name

DEEP = 40
NEAR = 5

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, TypeVar

    from .probe import Probe

    T = TypeVar("T")


class Silent:
    """Stands for a span that is not recorded."""

    __slots__ = ()

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        return None

    def ret(self, value: T) -> T:
        """The function returns `value`."""
        return value

    def give(self, value: T) -> T:
        """A generator hands `value` out."""
        return value

    def suspend(self, value: T) -> T:
        """A generator hands out what another one gives."""
        return value

    def resume(self, value: T) -> T:
        """A generator goes on with `value`."""
        return value

    def loop(self, number: int) -> None:
        """A planned loop begins."""

    def tick(self, number: int) -> None:
        """One of its iterations begins."""

    def left(self, number: int, why: str) -> None:
        """It ends."""


class Span(Silent):
    """One call of a function with a role; the current one is known to all that is called from it.

    Args:
        probe: the probe.
        number: of the element in the plan.
        arguments: name to value; let go of as soon as they are written.
    """

    __slots__ = (
        "_arguments",
        "_loops",
        "_stream",
        "_value",
        "above",
        "born",
        "id",
        "io",
        "isolation",
        "number",
        "probe",
        "spawned",
        "threads",
    )

    def __init__(self, probe: Probe, number: int, arguments: dict[str, Any]) -> None:
        self.probe, self.number = probe, number
        self._arguments: dict[str, Any] | None = arguments
        self._value: Any = _NOTHING
        self._loops: dict[int, int] = {}
        self.above: Span | None = None
        self.id: str | None = None
        self.spawned = self.io = self.born = 0
        # Threads that it started and that run still: ident to name and whether they are daemons.
        self.threads: dict[int, tuple[str, bool]] = {}
        self.isolation: Isolation | None = None
        self._stream: Stream | None = None

    def __enter__(self) -> Span:
        arguments = self._arguments or {}
        self._arguments = None
        try:
            told = []
            self.isolation = Isolation(self.probe, self.number, arguments, current.get())
            more = self.isolation.entry()
            for name, value in arguments.items():
                if name in ("self", "cls"):
                    told.append(f'"self":{quote(class_name(value))}')
                    more += f',"me":"{id(value):x}"'
                    if self.probe.runs_tools(self.number):
                        more += f',"called":{quote(given_name(value) or class_name(value))}'
                else:
                    told.append(f"{quote(name)}:{self.probe.encoder.encode(value)}")
            self._begin(told, more, 2)
        except Exception as error:
            self.probe.failed("start", error)
        return self

    def _begin(self, told: list[str], more: str, depth: int) -> None:
        """Write that it begins, and make it the current step; `depth` frames up is the code that is recorded."""
        probe = self.probe
        self.above = current.get()
        up = probe.up()
        span = probe.new_id()
        self.born = probe.next_number()
        thread = "" if get_ident() == probe.main_thread else f',"thread":{quote(thread_name())}'
        stack = dumps(callers(sys._getframe(depth), probe.places))
        probe.spool.line(
            f'{{"t":"start","id":"{span}","up":{dumps(up)},"e":{self.number},"args":{{{",".join(told)}}}'
            f'{more},"stack":{stack},"time":{System.now()}{thread}}}'
        )
        self.id = span
        current.set(self)
        if probe.is_model(self.number):
            probe.imports.asks()
            above = self.above
            while above is not None:
                if above.isolation is not None:
                    above.isolation.asks()
                above = above.above

    def ret(self, value: T) -> T:
        """The function returns `value`."""
        self._value = value
        return value

    def give(self, value: T) -> T:
        """A generator hands `value` out: of a model or a tool, a piece of what it answers."""
        if self._stream is not None:
            self._stream.piece(value)
        elif self.id is not None and self.probe.answers(self.number):
            self._stream = Stream(self.probe, self.id)
            self._stream.piece(value)
        return self.suspend(value)

    def suspend(self, value: T) -> T:
        """A generator hands something out; what its caller does meanwhile is not inside this step."""
        if current.get() is self:
            current.set(self.above)
        return value

    def resume(self, value: T) -> T:
        """A generator goes on, perhaps for another caller."""
        if self.id is not None:
            caller = current.get()
            if caller is not self:
                self.above = caller
                current.set(self)
        return value

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self.id is None:
            return
        probe, value = self.probe, self._value
        self._value = _NOTHING
        try:
            closed = issubclass(type(error), GeneratorExit)
            for number in reversed(list(self._loops)):
                self.left(number, "closed" if closed else "exception" if error is not None else "return")
            if self._stream is not None:
                self._stream.end("closed" if closed else "raised" if error is not None else "exhausted")
            told = f'{{"t":"end","id":"{self.id}"'
            if closed:
                told += ',"closed":true'
            elif error is not None:
                told += f',"exc":{dumps(probe.errors.describe(error))}'
            elif value is not _NOTHING:
                told += f',"value":{probe.encoder.encode(value)}'
                tuples = probe.tuples_in(self.number, value)
                if tuples is not None:
                    told += f',"again":{dumps(tuples)}'
                if probe.is_model(self.number) and not probe.streams.returned(value, self.number, self.id):
                    told += ',"hands_on":true'
            now = System.now()
            if self.spawned:
                from .alive import alive

                told += f',"spawned":{self.spawned},"kids":{dumps(alive(probe, self.id))}'
            if self.isolation is not None:
                told += "".join([f",{quote(name)}:{dumps(item)}" for name, item in self.isolation.exit(self).items()])
            probe.spool.line(f'{told},"time":{now}}}')
        except Exception as failure:
            probe.failed("end", failure)
        finally:
            self.isolation = None
            if current.get() is self:
                current.set(self.above)

    # -- loops of this call --------------------------------------------------------------------------------------

    def loop(self, number: int) -> None:
        """A planned loop begins."""
        if self.id is not None:
            self._loops[number] = 0

    def tick(self, number: int) -> None:
        """One of its iterations begins."""
        rounds = self._loops.get(number)
        if rounds is not None:
            self._loops[number] = rounds + 1
            if self.probe.may("tick", number):
                self._tell(f'{{"t":"tick","up":"{self.id}","e":{number},"n":{rounds + 1},"time":{System.now()}}}')

    def left(self, number: int, why: str) -> None:
        """It ends, unless it ended before: `break`, `exhausted`, `condition`, `return`, `exception` or `closed`."""
        rounds = self._loops.pop(number, None)
        if rounds is not None and self.probe.may("loop", number):
            now = System.now()
            self._tell(f'{{"t":"loop","up":"{self.id}","e":{number},"n":{rounds},"why":"{why}","time":{now}}}')

    def _tell(self, line: str) -> None:
        try:
            self.probe.spool.line(line)
        except Exception as error:
            self.probe.failed("loop", error)


current: ContextVar[Span | None] = ContextVar("harnessfix_step", default=None)
SILENT = Silent()
_NOTHING = object()


def callers(called: FrameType, places: dict[str, str], *, entered: bool = False) -> list[list[object]]:
    """Harness frames that led to a call, nearest first, without that of the function that was called.

    Args:
        called: frame of the function that was called.
        places: code file to harness path.
        entered: leave out generators that a `with` statement entered: what they opened, that statement asked for.
    """
    frames: list[list[object]] = []
    depth = 0
    frame = called.f_back
    while frame is not None and depth < DEEP and len(frames) < NEAR:
        code = frame.f_code
        path = places.get(code.co_filename)
        if path is not None and not (entered and _is_entered(frame)):
            frames.append([path, getattr(code, "co_qualname", code.co_name), frame.f_lineno])
        frame = frame.f_back
        depth += 1
    return frames


def _is_entered(frame: FrameType) -> bool:
    outer = frame.f_back
    if outer is None or not outer.f_code.co_filename.endswith("contextlib.py"):
        return False
    return outer.f_code.co_name in ("__enter__", "__aenter__")


def thread_name() -> str:
    """Name of the thread that asks; `threading` is not loaded for this."""
    threading = sys.modules.get("threading")
    thread = None if threading is None else threading._active.get(get_ident())
    name = None if thread is None else thread.name
    return name if type(name) is str else f"thread {get_ident()}"
