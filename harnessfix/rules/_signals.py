"""Which exceptions report trouble, which steer the program, and which never go away by trying again."""

import re

from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, TraceStep
from harnessfix_ir.vocabulary import LinkKind

from ._errors import short_type

_FLOW = frozenset(
    {"StopIteration", "StopAsyncIteration", "GeneratorExit", "KeyboardInterrupt", "SystemExit", "CancelledError"}
)
_SIGNAL = re.compile(r"submit|finish|complete|done|stop|exit|interrupt|limit|exceeded|hand_?off|cancel", re.IGNORECASE)
# What hands in an answer by raising it may be called an exception; an error is one.
_HANDED_IN = re.compile(r"^(Agent|Task|Run)?(FinalAnswer|Submitted|Finish(ed)?|Completed?|Done)Exception$")
_ERROR_NAME = re.compile(r"(error|exception|fault|failure|expired|timeout)s?$", re.IGNORECASE)


def is_signal(error: ErrorInfo | None) -> bool:
    """Whether the exception steers the program rather than reports trouble (`StopIteration`, `Submitted`,
    `FinalAnswerException`)."""
    name = short_type(error)
    if name in _FLOW or _HANDED_IN.match(name):
        return True
    return bool(name) and not _ERROR_NAME.search(name) and bool(_SIGNAL.search(name))


def carries(wrapper: ErrorInfo, cause: ErrorInfo) -> bool:
    """Whether a reader of the wrapper's own text learns what the cause said (its message, or its type without one)."""
    said = cause.message.strip().strip("'\"")
    return (said in wrapper.message) if said else (short_type(cause) in wrapper.message)


def is_same(one: ErrorInfo | None, other: ErrorInfo | None) -> bool:
    """Whether two records are of one exception, as far as type and message can tell; causes do not count."""
    return (
        one is not None and other is not None and (short_type(one), one.message) == (short_type(other), other.message)
    )


def error_of(run: Htir, step: TraceStep) -> ErrorInfo | None:
    """The exception of an error step: its own, or that of the raise which a clause took."""
    if step.error is not None:
        return step.error
    sources = run.links_to(step.id, LinkKind.HANDLED_BY)
    return run.step(sources[0].source).error if sources else None
