"""Functions in which exceptions of a run arose.

Where one arose that ended a step, the fix was in every second function (Wong et al. 2014 rank files by the stack trace
of a report); one that a clause took says less, and what is raised over and over is how that code says no.
"""

import re
from collections import Counter
from collections.abc import Iterator

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole

from ._errors import (
    SLIPS,
    escaped_to,
    frames_of,
    handler_element,
    handlings,
    is_raised,
    is_taken_afar,
    raised,
    short_type,
)
from ._once import once
from ._own import tool_call_around
from ._query import function_of, has_role, names
from ._signals import is_signal
from ._unwritable import maker_of

_ABSENT = frozenset({"ImportError", "ModuleNotFoundError"})
_SLIPS = SLIPS | _ABSENT
_IMPORTS = frozenset({"import_module", "__import__"})

_HOLE = re.compile(r"\{[^{}]*\}")
LEAST_SAID = 12  # characters of a message that tell one `raise` from another
_OF_READING = SLIPS | {"AssertionError", "JSONDecodeError", "UnicodeDecodeError", "ValidationError", "ValueError"}

Symbol = tuple[str, str]
"""Path and qualified name of a function."""


class Troubled:
    """What exceptions a run's functions had.

    Args:
        run: any.
        model: its harness.
    """

    def __init__(self, run: Htir, model: HarnessModel) -> None:
        self._times: Counter[Symbol] = Counter()
        self._callers: set[Symbol] = set()
        self._ended: set[Symbol] = set()
        self._slipped: set[Symbol] = set()
        self._made: set[Symbol] = set()
        self._hushed = {*_hushed(run, model)}
        for step in _origins(run, model):
            symbol = _validator(run, model, step) or (step.anchors[0].path, step.anchors[0].qualname)
            self._times[symbol] += 1
            slip = short_type(step.error) in _SLIPS and not is_raised(model, step)
            ended = escaped_to(run, step) is not None
            if ended:
                self._ended.add(symbol)
            if ended or (slip and _is_unforeseen(run, model, step) and tool_call_around(run, step) is None):
                self._callers.update((frame.path, frame.function) for frame in frames_of(step)[-2:-1])
                made = maker_of(run, model, step) if slip else None
                if made is not None:
                    self._made.add((made.anchor.path, made.anchor.qualname))
                elif slip:
                    self._slipped.add(symbol)

    def by(self, symbol: Symbol) -> float:
        """How much the run's exceptions have to do with the function: from 0 to 1."""
        if symbol in self._ended or symbol in self._slipped or symbol in self._callers:
            return 1.0
        return 1.0 / self._times[symbol] if symbol in self._times else 0.0

    def slipped(self, symbol: Symbol) -> bool:
        """Whether Python itself complained of a line there (`KeyError`, `TypeError`, …), and that ended a step.

        Or it came to a clause for any exception in another file, which can only be there for what nobody expected.
        """
        return symbol in self._slipped

    def made_unwritable(self, symbol: Symbol) -> bool:
        """Whether its result could not be written down, and that is what Python complained of."""
        return symbol in self._made

    def hushed(self, symbol: Symbol) -> bool:
        """Whether a clause of it took a failure, and only told a log of it."""
        return symbol in self._hushed

    def ended_in(self, symbol: Symbol) -> bool:
        """Whether an exception arose there that ended a step of the run."""
        return symbol in self._ended


def _hushed(run: Htir, model: HarnessModel) -> Iterator[Symbol]:
    """Functions with a clause for any exception that took one of the run and only reported it."""
    for step, clause_step in handlings(run):
        clause = handler_element(model, clause_step)
        if clause is None or clause.value("broad") is not True or clause.value("only-reports") is not True:
            continue
        if short_type(step.error) not in _ABSENT:
            yield clause.anchor.path, clause.anchor.qualname


def _origins(run: Htir, model: HarnessModel) -> Iterator[TraceStep]:
    """Where exceptions of a run arose: not where one was only wrapped, nor where a provider's refusal came back to."""
    seen: set[tuple[str, str]] = set()
    for step in raised(run):
        error = step.error
        if error is None or not step.anchors or is_signal(error):
            continue
        if short_type(error) in _ABSENT and not _is_missed(run, model, step):
            continue
        cause = error.cause
        wrapped = cause is not None and (cause.type, cause.message) in seen
        seen.add((error.type, error.message))
        if not (wrapped if is_raised(model, step) else _is_answered(model, step)):
            yield step


@once
def _said_by_validators(run: Htir, model: HarnessModel) -> list[tuple[str, Symbol]]:
    """The longest stretch of words of each `raise` of a validator that ran, with its function; the longest first."""
    found = []
    for element in model.of_role(ElementRole.RAISE):
        said = max(_HOLE.split(str(element.value("message") or "")), key=len)
        marks = run.reached.get(element.anchor.path)
        if len(said) < LEAST_SAID or marks is None or not marks.ran(element.anchor.start_line):
            continue
        if _validates(function_of(model, element.anchor)):
            found.append((said, (element.anchor.path, element.anchor.qualname)))
    return sorted(found, key=lambda one: (-len(one[0]), one[1]))


def _validates(function: Element | None) -> bool:
    """Whether pydantic calls a function while it makes an object."""
    if function is None:
        return False
    decorated = any("validator" in name for name in names(function.value("decorators")))
    return decorated or function.anchor.qualname.rpartition(".")[2] in ("__post_init__", "model_post_init")


def _validator(run: Htir, model: HarnessModel, step: TraceStep) -> Symbol | None:
    """The function whose `raise` a validation error of pydantic repeats: validators are called from compiled code."""
    if step.error is None or short_type(step.error) != "ValidationError" or "error, " not in step.error.message:
        return None
    if is_raised(model, step):
        return None
    return next((symbol for said, symbol in _said_by_validators(run, model) if said in step.error.message), None)


def _is_missed(run: Htir, model: HarnessModel, step: TraceStep) -> bool:
    """Whether a package was not there and that surprised the harness; a function that imports by name may well fail."""
    called = {name for name, _ in model.called.get(step.anchors[0].symbol, ())}
    if not called.isdisjoint(_IMPORTS):
        return False
    return escaped_to(run, step) is not None or is_taken_afar(run, model, step)


def _is_unforeseen(run: Htir, model: HarnessModel, step: TraceStep) -> bool:
    """Whether only a clause for any exception took it, far from where it arose.

    A property that is not there yet says so by an AttributeError, to whoever goes through all that an object has.
    """
    if short_type(step.error) == "AttributeError" and _is_property(function_of(model, step.anchors[0])):
        return False
    return is_taken_afar(run, model, step)


def _is_property(function: Element | None) -> bool:
    return function is not None and any("property" in name for name in names(function.value("decorators")))


def _is_answered(model: HarnessModel, step: TraceStep) -> bool:
    """Whether a request to a model failed there, not the reading of an answer: what was wrong was made elsewhere."""
    asks = has_role(function_of(model, step.anchors[0]), ElementRole.MODEL_CALL)
    return asks and short_type(step.error) not in _OF_READING
