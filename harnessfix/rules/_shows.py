"""Code that is there to show or log a run, and does none of its work."""

import re
from itertools import zip_longest

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole

from ._errors import frames_of
from ._query import function_of, names

_SHOWS = re.compile(r"(^|_)(log|logs|logger|logging|print|show|display|render|trace|tracer|monitor|report|dump)(_|$)")
_OWNER = re.compile(r"(Logger|Monitor|Tracer|Console|Display|Printer|Reporter|Visuali[sz]er|Dashboard)")
# Folders and modules that keep a record of what happens, and functions there that only read one.
_RECORDS = re.compile(r"(^|[/_])(logs?|logging|loggers?|recorders?|tracing|tracers?|telemetry|transcripts?)(?=[/_.])")
_READS = re.compile(r"(^|\.)_*(read|load|list|parse|open|find|resolve|fetch|replay|convert)")
_LIBRARY = re.compile(r"[/\\](rich|logging|loguru|structlog|colorama|tqdm|tabulate|opentelemetry)[/\\.]")


def showing_function(model: HarnessModel, origin: TraceStep) -> Element | None:
    """The function of the harness that raised it, if all it is there for is to show, log or record.

    Of several that handed a text on to one another it is the outermost: the one that put the text together. A callback
    may stand between two of them: who keeps a record calls what others registered for it.
    """
    function = function_of(model, origin.anchors[0]) if origin.anchors else None
    if function is None or not (_tells(function) or (_logs_there(model, origin) and not _works(function))):
        return None
    around = [model.function(frame.path, frame.function) for frame in reversed(frames_of(origin))]
    for outer, further in zip_longest(around, around[1:]):
        if outer is not None and _tells(outer):
            function = outer
        elif outer is not None and _works(outer):  # what a tool or a model call uses is a part of its work
            return function if _shows(function) else None
        elif further is None or not _tells(further):
            break
    return function


def _tells(function: Element) -> bool:
    return _shows(function) or _records(function)


def _records(function: Element) -> bool:
    """Whether it stands where a record of the run is kept, and does not read one."""
    anchor = function.anchor
    kept = _RECORDS.search(anchor.path.lower()) is not None and not _READS.search(anchor.qualname)
    return kept and not _works(function)


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
