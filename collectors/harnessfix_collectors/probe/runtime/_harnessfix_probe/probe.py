"""The probe: what instrumented code calls, and the state of one process."""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from itertools import count

from .choices import Choices
from .errors import Errors
from .imports import Imports
from .jsontext import dumps
from .kept import Kept
from .reached import Reached
from .settings import Settings
from .sites import Site, site_of
from .spans import SILENT, Silent, Span, current
from .spool import Spool
from .streams import Follow, Streams
from .system import System
from .values import Encoder

# Calls of one function that are recorded whole: those that make up a run, and all others.
CAP_ROLE, CAP = 20_000, 400
CAPS = {"escaped": 200, "handled": 2000, "cut": 400, "fell": 20, "complaint": 100, "tick": 20_000, "loop": 20_000}
UNCAPPED = ("agent_loop", "model_call", "tool")
TELL_EVERY = 1000

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from .telemetry import Telemetry

    T = TypeVar("T")


class Probe:
    """State of the probe in this process.

    Args:
        spool: where lines are written.
        places: absolute file name to path in the plan; files that are claimed under another name are added.
        elements: what the plan says of each instrumented place, by number.
        trace: trace id, 32 hex digits.
        parent: span id that this process was started in, None at the top.
    """

    Escapes = Exception

    def __init__(
        self, spool: Spool, places: dict[str, str], elements: list[dict[str, Any]], trace: str, parent: str | None
    ) -> None:
        self.places = places
        self.main_thread = get_ident()
        self._caps = [CAP_ROLE if element["role"] in UNCAPPED else CAP for element in elements]
        self._roles = [element["role"] for element in elements]
        self._runners = {number for number, element in enumerate(elements) if element.get("runner") == "tool"}
        self._kept = {number for number, role in enumerate(self._roles) if role in ("model_call", "tool")}
        self.replies: dict[int, list[dict[str, Any]]] = {}
        self._modules = {number for number, element in enumerate(elements) if element["fn"] == "<module>"}
        self._functions = {
            (element["path"], element["line"]): element["role"] for element in elements if not element.get("site")
        }
        self.settings = Settings(places)
        self.telemetry: Telemetry | None = None
        self._order = count(1)
        self._trouble: dict[str, int] = {}
        self._lengths: dict[tuple[int, int], int] = {}
        self.reached = Reached(spool.folder)
        self.imports = Imports(self.reached)
        choices = Choices(self)
        self.chosen, self.instead = choices.chosen, choices.instead
        self.turn_to(spool, trace, parent)

    def turn_to(self, spool: Spool, trace: str, parent: str | None = None) -> None:
        """Write to `spool` from now on, as the run `trace`: ids and counts begin anew."""
        self.spool, self.trace, self.parent = spool, trace, parent
        self.encoder = Encoder(spool)
        self.streams = Streams(self)
        self.errors = Errors(self.places, spool)
        self._begin()

    def _begin(self) -> None:
        self._prefix = System.random(4).hex()
        self._numbers = count(1)
        self._counts: dict[tuple[str, int], int] = {}
        self._escaped = 0
        self.runs = 0  # agents that were not run by an agent
        self.kept = Kept()

    def after_fork(self) -> None:
        """In a forked child: ids, counts and a file of its own."""
        self._begin()
        self.main_thread = get_ident()
        self.parent = self.up()
        self.spool.after_fork(self.parent)
        self.encoder.forget()

    def new_id(self) -> str:
        """A span id, 16 hex digits."""
        return f"{self._prefix}{next(self._numbers):08x}"

    def next_number(self) -> int:
        """Later steps have a higher one."""
        return next(self._order)

    def up(self) -> str | None:
        """Id of the current step, ours or an instrumentation's, or of the one this process was started in."""
        step = current.get()
        other = None if self.telemetry is None else self.telemetry.nearest()
        if other is not None and (step is None or other[1] > step.born):
            return other[0]
        return self.parent if step is None else step.id

    def is_agent(self, number: int) -> bool:
        """Whether an element is the loop of an agent."""
        return bool(self._roles[number] == "agent_loop")

    def is_model(self, number: int) -> bool:
        """Whether an element asks a model."""
        return bool(self._roles[number] == "model_call")

    def answers(self, number: int) -> bool:
        """Whether an element is a model's or a tool's."""
        return number in self._kept

    def leads_to(self, number: int, code: Any) -> bool:
        """Whether a planned call calls a function that is recorded as what the call is."""
        path = self.places.get(code.co_filename)
        return path is not None and self._functions.get((path, code.co_firstlineno)) == self._roles[number]

    def runs_tools(self, number: int) -> bool:
        """Whether an element is a framework's way to run any tool: the tool is the object then."""
        return number in self._runners

    def tuples_in(self, number: int, value: Any) -> list[list[str | int]] | None:
        """Where the reply of a model or tool has tuples; None for one that cannot be given again, and for others."""
        if number not in self._kept:
            return None
        from .again import tuples_in

        return tuples_in(value, self.spool.scrub)

    def is_role(self, number: int) -> bool:
        """Whether an element is more than a function that the user asked for."""
        return bool(self._roles[number] != "function")

    def failed(self, where: str, error: BaseException) -> None:
        """Count an error of the probe itself; each sort is written once."""
        try:
            key = f"{where}: {type(error).__name__}: {error}"[:400]
            self._trouble[key] = self._trouble.get(key, 0) + 1
            if self._trouble[key] == 1:
                self.spool.write({"t": "trouble", "what": self.spool.scrub(key)})
        except Exception:  # nothing more can be done, and the program must go on
            pass

    def may(self, what: str, number: int, cap: int | None = None) -> bool:
        """Count something at an element; whether it is still few enough to be written."""
        key = (what, number)
        times = self._counts[key] = self._counts.get(key, 0) + 1
        most = CAPS[what] if cap is None else cap
        if times > most and (times == most + 1 or times % TELL_EVERY == 0):
            self.spool.line(f'{{"t":"capped","e":{number},"what":"{what}","n":{times},"most":{most}}}')
        return times <= most

    def tell_counts(self) -> None:
        """Write which lines ran, and how often things happened of which only the first were written."""
        for line in self.reached.take():
            self.spool.write(line)
        for (what, number), times in self._counts.items():
            most = self._caps[number] if what == "span" else CAPS[what]
            if times > most:
                self.spool.write({"t": "count", "e": number, "what": what, "n": times, "most": most})

    def finish(self) -> None:
        """Write what is known at the end of the process: exact counts, an exception that nobody caught."""
        self.tell_counts()
        error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
        if error is not None:
            told = self.errors.describe(error)
            self.spool.write({"t": "uncaught", "exc": told, "time": System.now()})
        if self.spool.lost:
            self.spool.write({"t": "trouble", "what": f"{self.spool.lost} lines could not be written"})
        self.spool.write({"t": "exit", "pid": os.getpid(), "time": System.now()})

    # -- what instrumented code calls ----------------------------------------------------------------------------

    def span(self, number: int, arguments: dict[str, Any]) -> Silent:
        """A function with a role begins; `arguments` maps names to values."""
        try:
            asking = self.errors.asking
            if (asking and get_ident() in asking) or not self.may("span", number, self._caps[number]):
                return SILENT
            return Span(self, number, arguments)
        except Exception as error:
            self.failed("span", error)
            return SILENT

    def here(self, number: int) -> Silent:
        """The span of the function that asks: for functions that must not have another local name."""
        step = current.get()
        return step if step is not None and step.number == number else SILENT

    def plays(self, number: int) -> bool:
        """Whether a function is not called: a recording says what it returned."""
        return number in self.replies

    def play(self, number: int) -> Any:
        """What a function returned in the recording, the next time."""
        from .again import make

        left = self.replies[number]
        if not left:
            raise RuntimeError("harnessfix replay: the recording holds no further reply of this function")
        told = left.pop(0)
        return make(told["value"], told["tuples"])

    def site(self, number: int) -> Silent:
        """A statement begins that holds one planned call."""
        try:
            asking = self.errors.asking
            if (asking and get_ident() in asking) or not self.may("span", number, self._caps[number]):
                return SILENT
            return Site(self, number)
        except Exception as error:
            self.failed("site", error)
            return SILENT

    def called(self, number: int, alone: bool, function: T, owner: object = None) -> T:
        """The function that a planned call calls, of `owner` if any; `alone` when it takes no arguments."""
        site = site_of(number)
        if site is not None:
            try:
                site.called(function, owner, alone)
            except Exception as error:
                self.failed("called", error)
        return function

    def given(self, number: int, name: str, last: bool, value: T) -> T:
        """An argument of a planned call."""
        site = site_of(number)
        if site is not None:
            try:
                site.given(name, value, last)
            except Exception as error:
                self.failed("given", error)
        return value

    def answered(self, number: int, value: T) -> T:
        """What a planned call returned."""
        site = site_of(number)
        if site is not None:
            site.answered(value)
        return value

    def follow(self, value: object) -> Follow:
        """A loop is about to go through something."""
        return self.streams.follow(value)

    def imported(self, place: str) -> None:
        """A module of the plan has run to its end."""
        try:
            self.imports.ended(place)
        except Exception as error:
            self.failed("imported", error)

    def handled(self, number: int) -> None:
        """An `except` clause was entered."""
        try:
            error = sys.exc_info()[1]
            asking = self.errors.asking and get_ident() in self.errors.asking
            if number in self._modules and issubclass(type(error), ImportError):
                return  # something optional is not installed
            if error is not None and not asking and self.may("handled", number):
                told = dumps(self.errors.describe(error, number))
                self.spool.line(
                    f'{{"t":"handled","up":{dumps(self.up())},"e":{number},"exc":{told},"time":{System.now()}}}'
                )
        except Exception as failure:
            self.failed("handled", failure)

    def escaping(self) -> None:
        """An exception leaves a function that has no span; told when no function of the harness is further out."""
        try:
            error = sys.exc_info()[1]
            frame = sys._getframe(1).f_back
            while frame is not None and frame.f_code.co_filename not in self.places:
                frame = frame.f_back
            asking = self.errors.asking and get_ident() in self.errors.asking
            if error is None or frame is not None or asking or isinstance(error, (StopIteration, StopAsyncIteration)):
                return
            self._escaped += 1
            if self._escaped <= CAPS["escaped"]:
                told = self.errors.describe(error)
                self.spool.write({"t": "escaped", "up": self.up(), "exc": told, "time": System.now()})
        except Exception as failure:
            self.failed("escaping", failure)

    def before(self, number: int, value: T) -> T:
        """What a planned slice is about to cut: its length is kept until `after`."""
        if type(value) in _SLICED:
            self._lengths[get_ident(), number] = len(value)  # type: ignore[arg-type]
        return value

    def after(self, number: int, value: T) -> T:
        """What a planned slice left; told when it is shorter."""
        try:
            length = self._lengths.pop((get_ident(), number), None)
            left = length if length is None or type(value) not in _SLICED else len(value)  # type: ignore[arg-type]
            if length is not None and left is not None and left < length and self.may("cut", number):
                self.spool.line(
                    f'{{"t":"cut","up":{dumps(self.up())},"e":{number},"before":{length},"after":{left},'
                    f'"time":{System.now()}}}'
                )
        except Exception as error:
            self.failed("cut", error)
        return value


_SLICED = (str, bytes, list, tuple)
