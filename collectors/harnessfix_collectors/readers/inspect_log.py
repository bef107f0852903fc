"""Inspect logs: `.eval` archives and JSON, version 1 to 2 of the log schema, with and without pools.

One run per sample and epoch. Large texts are kept apart in a log (`attachment://…`, `input_refs` into a pool): they are
put back before anything is read.

https://inspect.aisi.org.uk/eval-logs.html
"""

import json
from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.archive import entries
from harnessfix_collectors.files import TraceFile, Trouble, document
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.values import mapping, objects
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording

from .base import Reader
from .inspect_sample import sample_recording

HEADER = ("header.json", "_journal/start.json")


class InspectLog(Reader):
    """One run per sample."""

    name = "inspect"
    title = "Inspect log (.eval and .json)"
    maps = (
        "Model and tool events are calls, spans episodes and stages, limits and errors steps; else messages are read."
    )
    keeps = "State, sandbox and other events as lifecycle steps; target, scores and results `evaluation` of the run."
    priority = 15

    def recognises(self, opening: Opening) -> bool:
        """By the header of a log, or the entries of its archive."""
        if opening.shape == "zip":
            return any(name.encode() in opening.head for name in (*HEADER, "samples/", "summaries.json"))
        return opening.has("eval.task", "eval.model") or opening.has("eval", "status", "version")

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """One recording per sample and epoch; an archive is unpacked entry by entry, within bounds."""
        trouble = Trouble(file.name)
        found = False
        if Opening.of(file).shape == "zip":
            for header, sample in _of_archive(file, trouble):
                found = True
                yield sample_recording(self.name, header, sample, file.name, trouble)
        else:
            log = mapping(document(file, trouble))
            header = {key: value for key, value in log.items() if key != "samples"}
            for sample in objects(log.get("samples")):
                found = True
                yield sample_recording(self.name, header, sample, file.name, trouble)
            if not found and "eval" in log:
                trouble("it has a header and no samples")
        if not found:
            why = trouble.notes[0] if trouble.notes else "no samples in it"
            raise BadInputError(
                f"{file.name}: {why.removeprefix(f'{file.name}: ')}",
                hint="Was the evaluation ended before its first sample, or only a header exported?",
            )


def _of_archive(file: TraceFile, trouble: Trouble) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    data = file.data()
    header: dict[str, Any] = {}
    for name, content in entries(data, file.name, only=HEADER):
        if name == "header.json" or not header:
            header = mapping(_parsed(content, f"{file.name}, {name}", trouble))
    for name, content in entries(data, file.name, prefix="samples/"):
        sample = _parsed(content, f"{file.name}, {name}", trouble)
        if isinstance(sample, dict):
            yield header, sample


def _parsed(content: bytes, place: str, trouble: Trouble) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        trouble(f"{place}: not JSON ({error}); it was skipped")
        return None
