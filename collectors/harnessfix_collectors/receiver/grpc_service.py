"""The gRPC door: `TraceService/Export` and `LogsService/Export`. Needs `grpcio`.

Bytes are handed on as they come, so that both doors go the same way; compression is gRPC's own affair.
"""

import hmac
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from harnessfix_collectors.otlp.frames import Signal

from .answers import Refused, export_response
from .receiver import Receiver

SERVICES: dict[Signal, str] = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
}
THREADS, CALLS = 8, 64
DETAILS = "grpc-status-details-bin"


def grpc_server(receiver: Receiver, host: str, port: int, token: str | None) -> tuple[Any, int]:
    """A started server and its port.

    Args:
        receiver: takes the requests.
        host, port: to listen on; port 0 for any that is free.
        token: that clients have to bear; None where none is needed.

    Raises:
        OSError: the address cannot be used.
    """
    options = [
        ("grpc.max_receive_message_length", receiver.limits.body),
        ("grpc.max_metadata_size", 32 * 1024),
        ("grpc.so_reuseport", 0),
    ]
    server = grpc.server(ThreadPoolExecutor(THREADS, "harnessfix-grpc"), options=options, maximum_concurrent_rpcs=CALLS)
    for signal, service in SERVICES.items():
        method = grpc.unary_unary_rpc_method_handler(_Export(receiver, signal, token))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": method}),))
    shown = f"[{host}]" if ":" in host else host
    try:
        bound = server.add_insecure_port(f"{shown}:{port}")
    except RuntimeError as error:
        raise OSError(f"cannot listen on {shown}:{port}: {error}") from None
    server.start()
    return server, int(bound)


class _Export:
    """Answers one method of one service."""

    def __init__(self, receiver: Receiver, signal: Signal, token: str | None) -> None:
        self._receiver = receiver
        self._signal: Signal = signal
        self._token = None if token is None else f"Bearer {token}".encode()

    def __call__(self, body: bytes, context: Any) -> bytes:
        try:
            self._check(context)
            self._receiver.admit(len(body))
            report = self._receiver.take(self._signal, body).result()
        except Refused as refusal:
            self._receiver.refused(f"{context.peer()} {self._signal}", refusal)
            _abort(context, refusal)
            raise
        answer: Any = export_response(self._signal, report)
        data: bytes = answer.SerializeToString()
        return data

    def _check(self, context: Any) -> None:
        given = dict(context.invocation_metadata()).get("authorization", "")
        told = given if isinstance(given, bytes) else str(given).encode()
        if self._token is not None and not hmac.compare_digest(told, self._token):
            raise Refused(
                "the metadata `authorization: Bearer …` does not bear this receiver's token", grpc="UNAUTHENTICATED"
            )


def _abort(context: Any, refusal: Refused) -> None:
    """End the call; a client that may come again is told when."""
    status = Status(code=Code.Value(refusal.grpc), message=refusal.reason)
    if refusal.again is not None:
        detail = AnyMessage()
        detail.Pack(RetryInfo(retry_delay=Duration(seconds=int(refusal.again), nanos=int(refusal.again % 1 * 1e9))))
        status.details.append(detail)
    context.set_trailing_metadata(((DETAILS, status.SerializeToString()),))
    context.abort(getattr(grpc.StatusCode, refusal.grpc), refusal.reason)
