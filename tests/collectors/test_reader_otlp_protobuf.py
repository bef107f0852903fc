"""OTLP as protobuf, plain and with lengths; log records join their spans."""

import json
from typing import Any

import pytest

pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2")

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData, ResourceLogs, ScopeLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, TracesData

from harnessfix_collectors.files import TraceFile
from harnessfix_collectors.readers import read_bytes, reader_of
from harnessfix_collectors.redaction import Scrubber
from harnessfix_ir.errors import BadInputError

TRACE, SPAN = bytes(range(16)), bytes(range(1, 9))
KEY = "sk-" + "a1B2" * 8


def attribute(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def traces(*attributes: KeyValue) -> bytes:
    span = Span(trace_id=TRACE, span_id=SPAN, name="chat m", start_time_unix_nano=1, end_time_unix_nano=2)
    span.attributes.extend([attribute("gen_ai.operation.name", "chat"), *attributes])
    return bytes(TracesData(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])]).SerializeToString())


def logs() -> bytes:
    record = LogRecord(trace_id=TRACE, span_id=SPAN, time_unix_nano=1, event_name="gen_ai.user.message")
    record.attributes.append(attribute("content", "hi"))
    scope_logs = [ScopeLogs(log_records=[record])]
    return bytes(LogsData(resource_logs=[ResourceLogs(scope_logs=scope_logs)]).SerializeToString())


def framed(*messages: bytes) -> bytes:
    return b"".join(len(message).to_bytes(4, "big") + message for message in messages)


def test_plain_and_framed_messages() -> None:
    for data in (traces(), framed(traces()), framed(traces(), logs())):
        assert reader_of(TraceFile.of(data, "x.bin")).name == "otlp-protobuf"
        (run,) = read_bytes(data, "x.bin")
        assert [step.kind for step in run.steps] == ["model_call"]
    assert run.texts[run.steps[0].input[0].text] == "hi", "a log event holds the message"


def test_a_cut_message_loses_only_itself() -> None:
    (run,) = read_bytes(framed(traces(), logs())[:-5], "x.bin")
    assert "a message is cut" in run.incomplete[0]
    with pytest.raises(BadInputError, match=r"x\.bin"):
        list(read_bytes(traces()[:-7], "x.bin", "otlp-protobuf"))


def test_secrets_are_replaced_in_place() -> None:
    for data in (traces(attribute("note", f"key {KEY}")), framed(traces(attribute("note", f"key {KEY}")), logs())):
        scrubber = Scrubber(environment={})
        clean = reader_of(TraceFile.of(data, "x.bin")).scrub(data, scrubber)
        assert scrubber.count == 1
        (run,) = read_bytes(clean, "x.bin")
        assert run.steps[0].attributes["note"] == "key <redacted>"


def test_logs_as_json() -> None:
    record: dict[str, Any] = {
        "traceId": "0a" * 16,
        "spanId": "0b" * 8,
        "eventName": "gen_ai.client.operation.exception",
    }
    record |= {"attributes": [{"key": "exception.type", "value": {"stringValue": "Timeout"}}]}
    other = {"severityNumber": 17, "body": {"stringValue": "no"}}
    span = {"traceId": "0a" * 16, "spanId": "0b" * 8, "name": "x"}
    lines = [
        {"resourceLogs": [{"scopeLogs": [{"logRecords": [record, other]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]},
    ]
    of_span, alone = read_bytes("\n".join(json.dumps(line) for line in lines).encode(), "x.jsonl")
    assert of_span.steps[0].error is not None
    assert of_span.steps[0].error.type == "Timeout"
    assert [(step.name, step.status) for step in alone.steps] == [("log", "error")]
