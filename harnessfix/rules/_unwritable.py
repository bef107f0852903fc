"""Who made what could not be written: `json.dump` complains where it is called, of a value that was made before."""

import re
from collections.abc import Iterator

from harnessfix_ir.harness import CallEdge, Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.names import words_in
from harnessfix_ir.steps import TraceStep

from ._errors import Frame, frames_of

_COMPLAINT = re.compile(
    r"is not JSON serializable|keys must be str, int, float, bool or None|can(?:no|')t pickle |cannot represent an obj"
)
_WRITERS = frozenset({"dict", "dump", "dumps", "json", "serialize", "serialise", "state", "config", "snapshot"})
_MAKERS = frozenset(
    {"prepare", "build", "make", "collect", "convert", "payload", "results", "output", "record", "export"}
)
_OWN = frozenset({"json", "serialize", "serialise", "pickle"})  # promises to write whatever it is given
MOST_FRAMES = 6


def maker_of(run: Htir, model: HarnessModel, step: TraceStep) -> Element | None:
    """The function whose result could not be written, where an exception says so.

    That is one that ran and was called before, by the function that complains or the nearest that called it, and that
    is named for writing down (`to_dict`, `serialize_state`), or at least for making something; the last of them.

    Args:
        run: any.
        model: its harness.
        step: where an exception was raised.
    """
    if step.error is None or not _COMPLAINT.search(step.error.message):
        return None
    frames = frames_of(step)[-MOST_FRAMES:] or [
        Frame(place.path, place.start_line, place.qualname) for place in step.anchors[:1]
    ]
    if frames and not words_in(frames[-1].function.rpartition(".")[2]).isdisjoint(_OWN):
        return None
    passed = {f"{frame.path}:{frame.function}" for frame in frames}
    for frame in reversed(frames):
        made = max(_made_before(run, model, frame, passed), key=_likely, default=None)
        if made is not None and _likely(made)[0]:
            return made[1]
    return None


def _made_before(run: Htir, model: HarnessModel, frame: Frame, passed: set[str]) -> Iterator[tuple[CallEdge, Element]]:
    """Calls of a function before its line, with what they call; what ran, and the exception did not come through."""
    for call in model.calls_of(f"{frame.path}:{frame.function}"):
        path, _, name = call.resolved.partition(":")
        function = model.function(path, name) if name and call.resolved not in passed else None
        if function is None or frame.line is None or call.line > frame.line:
            continue
        reached = run.reached.get(path)
        if reached is not None and reached.entered(function.anchor.start_line, function.anchor.end_line):
            yield call, function


def _likely(made: tuple[CallEdge, Element]) -> tuple[int, int]:
    call, _ = made
    words = words_in(call.callee.rpartition(".")[2])
    return 2 * (not words.isdisjoint(_WRITERS)) or int(not words.isdisjoint(_MAKERS)), call.line
