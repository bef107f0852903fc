"""The HTTP door over real sockets: what is taken, what is refused, and in which words."""

import gzip
import json
import socket
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from harnessfix_ir.errors import StoreError

TRACE = bytes(range(1, 17))
OTHER = bytes(range(2, 18))

SPAN: dict[str, Any] = {
    "traceId": TRACE.hex(),
    "spanId": "00000000000000aa",
    "name": "chat",
    "kind": "SPAN_KIND_CLIENT",
    "startTimeUnixNano": "1700000000000000000",
    "endTimeUnixNano": 1700000001000000000,
    "status": {"code": 2, "message": "no"},
    "unknownKey": {"a": 1},
    "attributes": [
        {"key": "s", "value": {"stringValue": "grüße"}},
        {"key": "i", "value": {"intValue": "7"}},
        {"key": "d", "value": {"doubleValue": 0.5}},
        {"key": "b", "value": {"boolValue": True}},
        {"key": "l", "value": {"arrayValue": {"values": [{"stringValue": "x"}, {"kvlistValue": {"values": []}}]}}},
        {"key": "y", "value": {"bytesValue": "AAE="}},
        {"key": "empty", "value": {}},
    ],
    "events": [{"name": "exception", "timeUnixNano": "1700000000500000000", "attributes": []}],
    "links": [{"traceId": OTHER.hex(), "spanId": "00000000000000bb"}],
}


def in_json(*raw: dict[str, Any]) -> bytes:
    scopes = [{"scope": {"name": "tests"}, "spans": list(raw)}]
    return json.dumps({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": scopes}]}).encode()


def kept_spans(running: Any) -> list[Any]:
    return [
        span
        for chunk in running.sink.chunks
        for resource in TracesData.FromString(chunk.data).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def wait_for(condition: Callable[[], bool]) -> bool:
    for _ in range(400):
        if condition():
            return True
        time.sleep(0.025)
    return False


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate", "zlib"])
def test_protobuf_is_kept_as_it_came(running: Any, make_spans: Any, encoding: str) -> None:
    body = make_spans(3).SerializeToString()
    packed = {"": body, "gzip": gzip.compress(body)}.get(encoding, zlib.compress(body))
    answer = running.post(packed, **({"Content_Encoding": encoding} if encoding else {}))
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "application/x-protobuf", b"")
    assert [(chunk.trace, chunk.items, chunk.rooted, chunk.data) for chunk in running.sink.chunks] == [
        (TRACE, 3, True, body)
    ]


def test_members_of_a_gzip_body_are_all_read(running: Any, make_spans: Any) -> None:
    body = make_spans(2).SerializeToString()
    half = len(body) // 2
    answer = running.post(gzip.compress(body[:half]) + gzip.compress(body[half:]), Content_Encoding="gzip")
    assert (answer.status, running.sink.items) == (200, 2)


def test_json_becomes_the_same_message(running: Any) -> None:
    answer = running.post(in_json(SPAN), kind="application/json; charset=utf-8")
    assert (answer.status, json.loads(answer.body)) == (200, {})
    (span,) = kept_spans(running)
    assert (span.trace_id, span.span_id, span.kind, span.status.code) == (TRACE, bytes(7) + b"\xaa", 3, 2)
    assert span.end_time_unix_nano - span.start_time_unix_nano == 10**9
    values = {item.key: item.value for item in span.attributes}
    assert (values["s"].string_value, values["i"].int_value, values["d"].double_value) == ("grüße", 7, 0.5)
    assert values["l"].array_value.values[0].string_value == "x"
    assert (values["y"].bytes_value, values["empty"].WhichOneof("value")) == (b"\x00\x01", None)
    assert span.links[0].trace_id == OTHER


def test_each_trace_gets_its_own_chunk(running: Any, make_spans: Any) -> None:
    request = make_spans(2)
    request.MergeFrom(make_spans(3, trace=OTHER, first=2))
    assert running.post(request.SerializeToString()).status == 200
    assert {(chunk.trace, chunk.items, chunk.rooted) for chunk in running.sink.chunks} == {
        (TRACE, 2, True),
        (OTHER, 3, False),
    }
    assert running.sink.commits == 1
    assert {span.name for span in kept_spans(running)} == {"step 1", "step 2", "step 3", "step 4"}


def test_bad_ids_are_rejected_one_by_one_with_reasons(running: Any, make_spans: Any) -> None:
    request = make_spans(5)
    members = request.resource_spans[0].scope_spans[0].spans
    members[0].trace_id = b"short"
    members[1].span_id = b""
    members[2].trace_id = bytes(16)
    answer = running.post(request.SerializeToString())
    assert (answer.status, answer.partial.rejected_spans) == (200, 3)
    for reason in ("the trace id has 5 bytes, not 16", "the span id has 0 bytes, not 8", "the trace id is all zeros"):
        assert reason in answer.partial.error_message
        assert any(reason in line for line in running.log)
    assert [span.name for span in kept_spans(running)] == ["step 4", "step 5"]
    assert running.receiver.counts.rejected == 3


def test_a_bad_span_in_json_does_not_take_the_others_with_it(running: Any) -> None:
    bad = [SPAN | {"traceId": "xyz"}, SPAN | {"attributes": [{"key": "n", "value": {"intValue": "many"}}]}]
    answer = running.post(in_json(*bad, SPAN), kind="application/json")
    partial = json.loads(answer.body)["partialSuccess"]
    assert (answer.status, partial["rejectedSpans"], running.sink.items) == (200, "2", 1)
    assert "traceId is not hexadecimal" in partial["errorMessage"]
    assert "an integer value is no integer" in partial["errorMessage"]


def test_texts_that_are_not_utf8_are_mended_and_told(running: Any, make_spans: Any) -> None:
    body = make_spans(2, text="MARK").SerializeToString().replace(b"MARK", b"a\xffb\xc3", 1)
    answer = running.post(body)
    assert (answer.status, answer.partial.rejected_spans) == (200, 0)
    assert "1 texts were not UTF-8" in answer.partial.error_message
    assert [span.attributes[0].value.string_value for span in kept_spans(running)] == ["a\ufffdb\ufffd", "MARK"]
    assert any("not UTF-8" in line for line in running.log)


def test_log_records_need_a_trace(running: Any) -> None:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    records.add(trace_id=TRACE, span_id=bytes(7) + b"\x01").body.string_value = "with"
    records.add(trace_id=TRACE).body.string_value = "with a trace alone"
    records.add().body.string_value = "without"
    answer = running.post(request.SerializeToString(), "/v1/logs")
    assert answer.status == 200
    assert b"1 rejected: the log record has no trace id" in answer.body
    assert [(chunk.signal, chunk.items) for chunk in running.sink.chunks] == [("logs", 2)]


REFUSALS: list[tuple[str, dict[str, Any], int, str]] = [
    ("wrong content type", {"kind": "text/plain"}, 415, "content type 'text/plain' is not known"),
    ("no content type", {"kind": ""}, 415, "content type '' is not known"),
    ("unknown path", {"path": "/v1/metrics"}, 404, "nothing at '/v1/metrics'"),
    ("unknown encoding", {"Content_Encoding": "br"}, 415, "content encoding 'br' is not known"),
    ("damaged gzip", {"Content_Encoding": "gzip", "body": b"\x1f\x8b nonsense"}, 400, "not valid gzip"),
    ("gzip cut off", {"Content_Encoding": "gzip", "body": gzip.compress(b"x" * 999)[:20]}, 400, "ends too soon"),
    ("not protobuf", {"body": b"\xff\xff\xff\xff"}, 400, "not an OTLP ExportTraceServiceRequest"),
    ("bare text", {"body": b"hello, receiver"}, 400, "not an OTLP ExportTraceServiceRequest"),
    ("empty gzip", {"Content_Encoding": "gzip", "body": b"\x1f"}, 400, "ends too soon, after 0 bytes"),
]


@pytest.mark.parametrize(("asked", "status", "reason"), [case[1:] for case in REFUSALS], ids=[c[0] for c in REFUSALS])
def test_refusals_are_named_to_the_client_and_in_the_log(
    running: Any, make_spans: Any, asked: dict[str, Any], status: int, reason: str
) -> None:
    body = asked.pop("body", make_spans(1).SerializeToString())
    answer = running.post(
        body, asked.pop("path", "/v1/traces"), kind=asked.pop("kind", "application/x-protobuf"), **asked
    )
    assert answer.status == status
    assert reason in answer.reason
    assert any(reason in line for line in running.log)
    assert running.sink.chunks == []
    assert running.lives()


JSON_REFUSALS = [
    (b"{", "the body is not JSON"),
    (b"[]", "the JSON is not an object"),
    (b"{}", "no list `resourceSpans`"),
    (b'{"resourceSpans": "\xff"}', "the JSON is not UTF-8, at byte 19"),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
]


@pytest.mark.parametrize(("body", "reason"), JSON_REFUSALS, ids=[reason for _, reason in JSON_REFUSALS])
def test_json_refusals_are_answered_in_json(running: Any, body: bytes, reason: str) -> None:
    answer = running.post(body, kind="application/json")
    assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
    assert reason in json.loads(answer.body)["message"]
    assert running.lives()


def test_values_nested_too_deeply(running: Any, make_spans: Any) -> None:
    request = make_spans(1)
    value = request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="deep").value
    for _ in range(120):
        value = value.array_value.values.add()
    answer = running.post(request.SerializeToString())
    assert (answer.status, "nested too deeply" in answer.reason) == (400, True)
    deep: dict[str, Any] = {"stringValue": "x"}
    for _ in range(80):
        deep = {"arrayValue": {"values": [deep]}}
    answer = running.post(in_json(SPAN | {"attributes": [{"key": "d", "value": deep}]}), kind="application/json")
    assert "nested deeper than 64" in json.loads(answer.body)["partialSuccess"]["errorMessage"]
    assert running.lives()


def test_other_methods(running: Any) -> None:
    answer = running.request("PUT", "/v1/traces", b"", {"Content-Type": "application/x-protobuf"})
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert running.request("GET", "/healthz", None, {}).body == b"ok\n"


def test_a_gzip_bomb_is_never_unpacked(serve: Any) -> None:
    running = serve(decompressed=1 << 20)
    bomb = gzip.compress(bytes(200 << 20))
    answer = running.post(bomb, Content_Encoding="gzip")
    assert (answer.status, "decompressed body is larger than 1048576" in answer.reason) == (413, True)
    assert running.lives()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit(serve: Any, chunked: bool) -> None:
    running = serve(body=10_000)
    body: Any = iter([bytes(6_000), bytes(6_000)]) if chunked else bytes(12_000)
    answer = running.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
    assert (answer.status, "the body is larger than 10000 bytes" in answer.reason) == (413, True)
    assert running.lives()


HALF = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\n"


def test_half_a_body_and_gone(running: Any) -> None:
    with socket.create_connection(("127.0.0.1", running.serving.port)) as client:
        client.sendall(HALF + bytes(500))
    assert wait_for(lambda: any("went away after 500 of 1000 bytes" in line for line in running.log))
    assert running.sink.chunks == []
    assert running.lives()


def test_half_a_body_and_silence(serve: Any) -> None:
    running = serve(patience=0.3)
    with socket.create_connection(("127.0.0.1", running.serving.port), timeout=20) as client:
        client.sendall(HALF + bytes(500))
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"only 500 of 1000 bytes came in time" in answer
    assert running.lives()


def test_what_is_not_http(running: Any) -> None:
    with socket.create_connection(("127.0.0.1", running.serving.port), timeout=20) as client:
        client.sendall(b"\x16\x03\x01\x02\x00 this is TLS, or nothing\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 400 ")
    assert wait_for(lambda: any("Invalid HTTP request" in line for line in running.log))
    assert running.lives()


def test_a_token_is_asked_for(serve: Any, make_spans: Any) -> None:
    running, body = serve(token="a-token-of-some-length"), make_spans(1).SerializeToString()
    for wrong in ({}, {"Authorization": "Bearer something-else"}, {"Authorization": "a-token-of-some-length"}):
        answer = running.post(body, **wrong)
        assert (answer.status, "does not bear this receiver's token" in answer.reason) == (401, True)
    assert not any("a-token-of-some-length" in line or "something-else" in line for line in running.log)
    assert running.post(body, Authorization="Bearer a-token-of-some-length").status == 200


def test_too_much_at_once_is_told_when_to_come_again(serve: Any, make_spans: Any) -> None:
    running, body = serve(rate=1000), make_spans(40).SerializeToString()
    assert running.post(body).status == 200
    answer = running.post(body)
    assert (answer.status, "more than 1000 bytes a second" in answer.reason) == (429, True)
    assert int(answer.headers["retry-after"]) >= 1
    assert running.sink.items == 40


def test_more_than_fits_at_the_same_time(serve: Any, make_spans: Any) -> None:
    running, body = serve(waiting=5_000), make_spans(1, text="x" * 4000).SerializeToString()
    with socket.create_connection(("127.0.0.1", running.serving.port)) as slow:
        slow.sendall(HALF.replace(b"1000", b"9000") + bytes(3_000))
        time.sleep(0.3)
        answer = running.post(body)
        assert (answer.status, "more is coming in than fits" in answer.reason) == (503, True)
    assert wait_for(lambda: running.post(body).status == 200)


def test_a_sink_that_fails_is_tried_again_by_the_client(running: Any, make_spans: Any) -> None:
    running.sink.trouble = StoreError("the disk is full")
    body = make_spans(2).SerializeToString()
    answer = running.post(body)
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert "nothing of this request was kept: the disk is full" in answer.reason
    assert any("could not be kept: the disk is full" in line for line in running.log)
    running.sink.trouble = None
    assert (running.post(body).status, running.sink.items) == (200, 2)


def test_secrets_are_taken_out_counted_and_not_told(running: Any, make_spans: Any) -> None:
    secrets = ("sk-abcdefghijklmnopqrstuv", "s3cr3t-of-the-environment", "ghp_" + "a" * 36)
    for secret in secrets:
        text = f"use {secret} please"
        assert running.post(make_spans(1, text=text).SerializeToString()).status == 200
        # The length of a text stands before it on the wire and may look like a letter.
        assert running.post(make_spans(1, text=secret).SerializeToString()).status == 200
    everything = b"".join(chunk.data for chunk in running.sink.chunks)
    for secret in secrets:
        assert secret.encode() not in everything
        assert not any(secret in line for line in running.log)
    assert everything.count(b"<redacted>") == 6
    assert running.receiver.counts.secrets == 6
    assert kept_spans(running)[0].attributes[0].value.string_value == "use <redacted> please"


def test_a_secret_with_the_escapes_of_json(running: Any, make_spans: Any) -> None:
    text = json.dumps({"content": 'it is pass"wörd\\long'})
    running.post(make_spans(1, text=text).SerializeToString())
    assert json.loads(kept_spans(running)[0].attributes[0].value.string_value) == {"content": "it is <redacted>"}


def test_patterns_of_the_user_are_secrets_too(serve: Any, make_spans: Any) -> None:
    running = serve(patterns=[r"customer-\d+"])
    running.post(make_spans(1, text="of customer-4711").SerializeToString())
    assert kept_spans(running)[0].attributes[0].value.string_value == "of <redacted>"


def test_words_that_begin_like_secrets_stay(running: Any, make_spans: Any) -> None:
    body = make_spans(1, text="a task-list, a desk-lamp, the bearer of news, xox").SerializeToString()
    running.post(body)
    assert [chunk.data for chunk in running.sink.chunks] == [body]
    assert running.receiver.counts.secrets == 0
