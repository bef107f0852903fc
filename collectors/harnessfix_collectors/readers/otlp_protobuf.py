"""OTLP as protobuf: one `TracesData` or `LogsData` message, or many with their lengths before them, as the
collector's `file` exporter writes them.

https://github.com/open-telemetry/opentelemetry-proto
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harnessfix_collectors.files import TraceFile, Trouble
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.otlp.assemble import recordings
from harnessfix_collectors.otlp.frames import Signal
from harnessfix_collectors.otlp.message_texts import change_texts
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording

from .base import Reader

if TYPE_CHECKING:
    from harnessfix_collectors.redaction import Scrubber

FIRST_FIELD = 0x0A
"""Tag of field 1 with a length: what both messages begin with."""
LENGTH = 4


class OtlpProtobuf(Reader):
    """Traces and logs; which of both a message is shows in its ids."""

    name = "otlp-protobuf"
    title = "OTLP protobuf (TracesData, LogsData), plain or length-prefixed; needs the extra `collect`"
    maps = "As otlp-json."
    keeps = "As otlp-json."
    priority = -10

    def recognises(self, opening: Opening) -> bool:
        """By the first bytes: a message of one field with a length, or four bytes of length and such a message."""
        head = opening.head
        if len(head) < LENGTH + 2 or b"\x12" not in head[:200]:  # tag of field 2, which no text holds
            return False
        framed = head[LENGTH] == FIRST_FIELD and int.from_bytes(head[:LENGTH], "big") < 1 << 28
        return framed or head[0] == FIRST_FIELD

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """One recording per trace."""
        trouble = Trouble(file.name)
        messages: list[tuple[Signal, bytes]] = []
        for place, data in _messages(file.data(), file.name, trouble):
            signal, message = _understood(data, file.name)
            if signal is None:
                trouble(f"{place}: not an OTLP message of traces or logs; it was skipped")
            else:
                messages.append((signal, message.SerializeToString()))
        if not messages:
            raise BadInputError(
                trouble.notes[0] if trouble.notes else f"{file.name}: no spans in it",
                hint="Expected OTLP TracesData or LogsData as protobuf; was the file cut?",
            )
        from harnessfix_collectors.otlp.decode_proto import spans_of_messages

        yield from recordings(spans_of_messages(messages), self.name, file.name, trouble.notes)

    def scrub(self, data: bytes, scrubber: "Scrubber") -> bytes:
        """Text by text in each message, which is then written anew with its length."""
        before = scrubber.count
        plain = _is_plain(data)
        parts = []
        for _, found in _messages(data, "", Trouble("")):
            signal, message = _understood(found, "the file")
            if signal is None:
                parts.append(found)
                continue
            change_texts(message, scrubber.text)
            parts.append(message.SerializeToString())
        if scrubber.count == before:
            return data
        return parts[0] if plain else b"".join(len(part).to_bytes(LENGTH, "big") + part for part in parts)


def _is_plain(data: bytes) -> bool:
    framed = data[LENGTH : LENGTH + 1] == bytes([FIRST_FIELD]) and int.from_bytes(data[:LENGTH], "big") < len(data)
    return data[:1] == bytes([FIRST_FIELD]) and not framed


def _messages(data: bytes, filename: str, trouble: Trouble) -> Iterator[tuple[str, bytes]]:
    if _is_plain(data):
        yield filename, data
        return
    at = 0
    while at + LENGTH <= len(data):
        size = int.from_bytes(data[at : at + LENGTH], "big")
        message = data[at + LENGTH : at + LENGTH + size]
        if len(message) < size:
            trouble(f"{filename}, byte {at}: a message is cut; it was skipped")
            return
        yield f"{filename}, byte {at}", message
        at += LENGTH + size


def _understood(data: bytes, filename: str) -> tuple[Signal | None, Any]:
    """Which signal a message is of, and the message: the one whose ids have the right length."""
    try:
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
        from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
    except ImportError as error:
        raise BadInputError(
            f"{filename}: OTLP protobuf cannot be read: {error.name} is not installed",
            hint="pip install 'harnessfix[collect]'",
        ) from None
    try:
        traces = TracesData.FromString(data)
        spans = [s for r in traces.resource_spans for scope in r.scope_spans for s in scope.spans]
        if any(len(span.trace_id) == 16 and len(span.span_id) == 8 for span in spans):
            return "traces", traces
    except DecodeError:
        pass
    try:
        logs = LogsData.FromString(data)
        if any(scope.log_records for r in logs.resource_logs for scope in r.scope_logs):
            return "logs", logs
    except DecodeError:
        pass
    return None, None
