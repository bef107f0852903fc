"""The gRPC door, and the exporters of the OpenTelemetry SDK as clients of both."""

import gzip
import logging
import socket
from typing import Any

import pytest

grpc = pytest.importorskip("grpc")
pytest.importorskip("opentelemetry.exporter.otlp.proto.grpc")

from google.rpc.error_details_pb2 import RetryInfo  # noqa: E402
from google.rpc.status_pb2 import Status  # noqa: E402
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGrpc  # noqa: E402
from opentelemetry.exporter.otlp.proto.http import Compression  # noqa: E402
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as LogsOverHttp  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OverHttp  # noqa: E402
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: E402

from harnessfix_ir.errors import StoreError  # noqa: E402

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def export(running: Any, body: bytes, **options: Any) -> Any:
    with grpc.insecure_channel(f"127.0.0.1:{running.serving.grpc_port}") as channel:
        return ExportTraceServiceResponse.FromString(channel.unary_unary(METHOD)(body, timeout=120, **options))


def failure(running: Any, body: bytes, **options: Any) -> Any:
    with pytest.raises(grpc.RpcError) as caught:
        export(running, body, **options)
    return caught.value


def test_export(serve: Any, make_spans: Any) -> None:
    running = serve(grpc=True)
    assert export(running, make_spans(3).SerializeToString()) == ExportTraceServiceResponse()
    assert export(running, make_spans(2).SerializeToString(), compression=grpc.Compression.Gzip)
    assert running.sink.items == 5


def test_partial_success(serve: Any, make_spans: Any) -> None:
    running, request = serve(grpc=True), make_spans(2)
    request.resource_spans[0].scope_spans[0].spans[1].span_id = b"abc"
    answer = export(running, request.SerializeToString())
    assert answer.partial_success.rejected_spans == 1
    assert "the span id has 3 bytes, not 8" in answer.partial_success.error_message


def test_texts_that_are_not_utf8_are_mended_and_told(serve: Any, make_spans: Any) -> None:
    running = serve(grpc=True)
    answer = export(running, make_spans(2, text="MARK").SerializeToString().replace(b"MARK", b"a\xffb\xc3", 1))
    assert answer.partial_success.rejected_spans == 0
    assert "1 texts were not UTF-8" in answer.partial_success.error_message
    assert running.sink.items == 2


def test_what_is_not_grpc_and_what_breaks_off(serve: Any, make_spans: Any) -> None:
    running = serve(grpc=True)
    for beginning in (b"\x16\x03\x01 this is TLS, or nothing\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(5)):
        with socket.create_connection(("127.0.0.1", running.serving.grpc_port), timeout=120) as client:
            client.sendall(beginning)
    assert export(running, make_spans(1).SerializeToString()) == ExportTraceServiceResponse()
    assert running.sink.items == 1


def test_refusals(serve: Any, make_spans: Any) -> None:
    running = serve(grpc=True, body=100_000)
    error = failure(running, b"\xff\xff")
    assert (error.code(), "not an OTLP" in error.details()) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    error = failure(running, bytes(200_000))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error.details()
    bomb = bytes(20 << 20)  # not larger: the client has to pack it, on a busy machine within its own time limit
    assert len(gzip.compress(bomb)) < 100_000
    error = failure(running, bomb, compression=grpc.Compression.Gzip)
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error.details()
    assert export(running, make_spans(1).SerializeToString())
    assert running.sink.items == 1


def test_a_client_is_told_when_to_come_again(serve: Any, make_spans: Any) -> None:
    running = serve(grpc=True)
    running.sink.trouble = StoreError("the disk is full")
    error = failure(running, make_spans(1).SerializeToString())
    assert (error.code(), "the disk is full" in error.details()) == (grpc.StatusCode.UNAVAILABLE, True)
    (details,) = (value for name, value in error.trailing_metadata() if name == "grpc-status-details-bin")
    info = RetryInfo()
    assert Status.FromString(details).details[0].Unpack(info)
    assert info.retry_delay.seconds == 2


def test_a_token_is_asked_for(serve: Any, make_spans: Any) -> None:
    running, body = serve(grpc=True, token="a-token-of-some-length"), make_spans(1).SerializeToString()
    assert failure(running, body).code() == grpc.StatusCode.UNAUTHENTICATED
    assert export(running, body, metadata=[("authorization", "Bearer a-token-of-some-length")]) is not None
    assert running.sink.items == 1


@pytest.mark.parametrize("way", ["grpc", "http", "gzip"])
def test_the_exporters_of_the_sdk(serve: Any, way: str) -> None:
    running = serve(grpc=True)
    base = f"http://127.0.0.1:{running.serving.port}/v1/traces"
    exporter = {
        "grpc": lambda: OverGrpc(endpoint=f"http://127.0.0.1:{running.serving.grpc_port}", insecure=True),
        "http": lambda: OverHttp(endpoint=base),
        "gzip": lambda: OverHttp(endpoint=base, compression=Compression.Gzip),
    }[way]()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner"):
        pass
    provider.shutdown()
    assert (running.sink.items, running.sink.chunks[0].rooted, running.log) == (2, True, [])


def test_logs_of_the_sdk(serve: Any) -> None:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    running = serve()
    provider = LoggerProvider()
    exporter = LogsOverHttp(endpoint=f"http://127.0.0.1:{running.serving.port}/v1/logs")
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    tracer = TracerProvider().get_tracer("tests")
    with tracer.start_as_current_span("outer") as span:
        provider.get_logger("tests").emit(event_name="gen_ai.choice", body={"role": "assistant"})
        trace = span.get_span_context().trace_id
    provider.shutdown()
    assert [(chunk.signal, chunk.trace) for chunk in running.sink.chunks] == [("logs", trace.to_bytes(16, "big"))]


def test_the_sdk_tries_again_while_the_sink_fails(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    running = serve()
    running.sink.trouble = StoreError("the store is locked")
    provider = TracerProvider()
    exporter = OverHttp(endpoint=f"http://127.0.0.1:{running.serving.port}/v1/traces", timeout=30)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=10))

    class Mended(logging.Handler):
        """Mends the sink at the first complaint of the exporter."""

        def emit(self, record: logging.LogRecord) -> None:
            running.sink.trouble = None

    handler = Mended()
    names = [name for name in logging.root.manager.loggerDict if name.startswith("opentelemetry")]
    loggers = [logging.getLogger(name) for name in names]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        with provider.get_tracer("tests").start_as_current_span("outer"):
            pass
        provider.force_flush()
        provider.shutdown()
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
    assert running.sink.items == 1
