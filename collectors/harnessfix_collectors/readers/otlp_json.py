"""OTLP/JSON lines: what the collector's `file` exporter, `otlp_json_file` and most trace viewers write."""

import json
from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_collectors.otlp.assemble import recordings
from harnessfix_collectors.otlp.decode_json import spans_of
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording

from .base import Reader

MOST_TROUBLE = 20


class OtlpJson(Reader):
    """One `TracesData` object a line, or a single object over many lines."""

    name = "otlp-json"
    title = "OTLP/JSON lines (OpenTelemetry file exporter)"

    def recognises(self, head: bytes, filename: str) -> bool:
        """By the key `resourceSpans` near the beginning."""
        return b'"resourceSpans"' in head and head.lstrip()[:1] in (b"{", b"[")

    def read(self, data: bytes, filename: str) -> Iterator[Recording]:
        """One recording per trace. Broken lines are counted and named; the others are read."""
        trouble: list[str] = []
        spans = list(_spans(data, filename, trouble))
        if not spans:
            why = trouble[0] if trouble else f"{filename}: no spans in it"
            raise BadInputError(why, hint="Each line must be one OTLP TracesData object with resourceSpans.")
        if len(trouble) > MOST_TROUBLE:
            trouble[MOST_TROUBLE:] = [f"{filename}: {len(trouble) - MOST_TROUBLE} more lines could not be read"]
        yield from recordings(spans, self.name, filename, trouble)


def _spans(data: bytes, filename: str, trouble: list[str]) -> Iterator[OtlpSpan]:
    for place, document in _documents(data.decode("utf-8", "replace"), filename, trouble):
        try:
            yield from spans_of(document, lambda what, place=place: trouble.append(f"{place}: {what}"))  # type: ignore[misc]
        except ValueError as error:
            trouble.append(f"{place}: {error}; it was skipped")


def _documents(text: str, filename: str, trouble: list[str]) -> Iterator[tuple[str, Any]]:
    if text.count("\n") < 2 or text.lstrip()[:2] in ("{\n", "{\r", "[\n", "[{"):
        try:
            whole = json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            objects = whole if isinstance(whole, list) else [whole]
            yield from ((f"{filename}, object {number}", item) for number, item in enumerate(objects, 1))
            return
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{filename}, line {number}"
        if not line.strip():
            continue
        try:
            yield place, json.loads(line)
        except RecursionError:
            trouble.append(f"{place}: nested too deeply; the line was skipped")
        except ValueError as error:
            trouble.append(f"{place}: not JSON ({error}); the line was skipped")
