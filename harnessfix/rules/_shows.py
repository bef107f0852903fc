"""Code that is there to show or log a run, and does none of its work."""

import re

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole

from ._errors import frames_of
from ._query import function_of, names

_SHOWS = re.compile(r"(^|_)(log|logs|logger|logging|print|show|display|render|trace|tracer|monitor|report|dump)(_|$)")
_OWNER = re.compile(r"(Logger|Monitor|Tracer|Console|Display|Printer|Reporter|Visuali[sz]er|Dashboard)")
_LIBRARY = re.compile(r"[/\\](rich|logging|loguru|structlog|colorama|tqdm|tabulate|opentelemetry)[/\\.]")


def showing_function(model: HarnessModel, origin: TraceStep) -> Element | None:
    """The function of the harness that raised it, if all it is there for is to show or log.

    Of several that handed a text on to one another it is the outermost: the one that put the text together.
    """
    function = function_of(model, origin.anchors[0]) if origin.anchors else None
    if function is None or not (_shows(function) or (_logs_there(model, origin) and not _works(function))):
        return None
    for frame in reversed(frames_of(origin)):
        outer = model.function(frame.path, frame.function)
        if outer is None or not _shows(outer):
            break
        function = outer
    return function


def _shows(function: Element) -> bool:
    owner, _, own = function.anchor.qualname.rpartition(".")
    return bool(_SHOWS.search(own.lower()) or _OWNER.search(owner.rpartition(".")[2])) and not _works(function)


def _works(function: Element) -> bool:
    return bool(set(names(function.value("roles"))) & {ElementRole.MODEL_CALL.value, ElementRole.TOOL.value})


def _logs_there(model: HarnessModel, origin: TraceStep) -> bool:
    """Whether a logging call stands on just that line, and a library for showing raised it."""
    around = model.at(origin.anchors[0].path, origin.anchors[0].start_line)
    return shown_by_library(origin) and any(element.role is ElementRole.LOGGER for element in around)


def shown_by_library(origin: TraceStep) -> bool:
    """Whether a library for showing or logging raised the exception."""
    place = origin.attributes.get("raised_in")
    path = place[0] if isinstance(place, list) and place else ""
    return isinstance(path, str) and bool(_LIBRARY.search(path))
