"""Code that is there to show or log a run, and does none of its work."""

import re
from itertools import zip_longest

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole

from ._errors import best_told, frames_of
from ._query import function_of, has_role

_SHOWS = re.compile(r"(^|_)(log|logs|logger|logging|print|show|display|render|trace|tracer|monitor|report|dump)(_|$)")
_OWNER = re.compile(r"(Logger|Monitor|Tracer|Console|Display|Printer|Reporter|Visuali[sz]er|Dashboard)")
# Folders and modules that keep a record of what happens, and what functions there are called that write to it.
_RECORDS = re.compile(r"(^|[/_])(logs?|logging|loggers?|recorders?|tracing|tracers?|telemetry|transcripts?)(?=[/_.])")
_KEEPS = re.compile(r"(^|_)(log|logs|record|write|emit|event|events|export|flush|notify|publish|append|span)(_|$)")
_READS = re.compile(r"_*(read|load|list|parse|open|find|get|fetch)(_|$)")
_KEEPERS = re.compile(r"((Span|Trace|Log|Event)(Exporter|Processor|Writer|Recorder|Sink)|Transcript|Tracer)$")
_LIBRARY = re.compile(r"[/\\](rich|logging|loguru|structlog|colorama|tqdm|tabulate|opentelemetry)[/\\.]")


def showing_function(run: Htir, model: HarnessModel, origin: TraceStep) -> Element | None:
    """The function of the harness that raised it, if all it is there for is to show, log or record.

    Of several that handed a text on to one another it is the outermost: the one that put the text together. A callback
    may stand between two of them: who keeps a record calls what others registered for it.
    """
    function = function_of(model, origin.anchors[0]) if origin.anchors else None
    if function is None or _works(function):
        return None
    shows = _shows(function) or _logs_there(model, origin)
    if not shows and not _is_kept(function):
        return None
    frames = frames_of(best_told(run, origin))
    around = [model.function(frame.path, frame.function) for frame in reversed(frames)]
    told = [function]
    for outer, further in zip_longest(around, around[1:]):
        if outer is not None and _tells(outer):
            told.append(outer)
        elif further is None or not _tells(further):
            break
    if shows:
        return told[-1]
    # Where it stands is one sign; what it says that it does, or what called it, has to be another. What a tool or a
    # model call uses is a part of its work, wherever it stands.
    works = any(outer is not None and _works(outer) for outer in around)
    return told[-1] if not works and any(_keeps(each) for each in told) else None


def _tells(function: Element) -> bool:
    return _shows(function) or (_is_kept(function) and not _works(function))


def _is_kept(function: Element) -> bool:
    """Whether it stands where a record of the run is kept."""
    return _RECORDS.search(function.anchor.path.lower()) is not None


def _keeps(function: Element) -> bool:
    """Whether it, or its class, says that it writes down what happens."""
    owner, _, own = function.anchor.qualname.rpartition(".")
    if _READS.match(own):
        return False
    return _KEEPS.search(own.lower()) is not None or _KEEPERS.search(owner) is not None


def _shows(function: Element) -> bool:
    owner, _, own = function.anchor.qualname.rpartition(".")
    return bool(_SHOWS.search(own.lower()) or _OWNER.search(owner.rpartition(".")[2])) and not _works(function)


def _works(function: Element) -> bool:
    return has_role(function, ElementRole.MODEL_CALL, ElementRole.TOOL)


def _logs_there(model: HarnessModel, origin: TraceStep) -> bool:
    """Whether a logging call stands on just that line, and a library for showing raised it."""
    around = model.at(origin.anchors[0].path, origin.anchors[0].start_line)
    return shown_by_library(origin) and any(element.role is ElementRole.LOGGER for element in around)


def shown_by_library(origin: TraceStep) -> bool:
    """Whether a library for showing or logging raised the exception."""
    place = origin.attributes.get("raised_in")
    path = place[0] if isinstance(place, list) and place else ""
    return isinstance(path, str) and bool(_LIBRARY.search(path))
