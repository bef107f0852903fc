"""The HTTP door: `POST /v1/traces` and `/v1/logs` in protobuf or JSON, gzip or not, as an ASGI application.

Protocol: https://opentelemetry.io/docs/specs/otlp/#otlphttp. A failure is answered with a `google.rpc.Status` in the
encoding of the request.
"""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from math import ceil
from typing import Any

from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

from harnessfix_collectors.otlp.frames import Signal

from .answers import Refused, come_again, export_response
from .bodies import too_large
from .receiver import Receiver

PATHS: Mapping[str, Signal] = {"/v1/traces": "traces", "/v1/logs": "logs"}
PROTOBUF, JSON = "application/x-protobuf", "application/json"
BUSY_SECONDS = 2.0
KINDS = {PROTOBUF: False, "application/protobuf": False, JSON: True}

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Gone(Exception):
    """The client went away before its request was complete."""


class HttpApp:
    """An ASGI application.

    Args:
        receiver: takes the requests.
        token: that clients have to bear; None where none is needed.
    """

    def __init__(self, receiver: Receiver, token: str | None) -> None:
        self._receiver = receiver
        self._token = None if token is None else f"Bearer {token}".encode()
        self._arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path = scope["path"].rstrip("/") or "/"
        if path == "/healthz" and scope["method"] == "GET":
            await _respond(send, 200, "text/plain", b"ok\n")
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        as_json = KINDS.get(_kind(headers), False)
        try:
            signal = self._entitled(scope["method"], path, headers)
            body = await self._body(receive, headers)
            encoding = headers.get("content-encoding", "")
            taken = self._receiver.take(signal, body, encoding=encoding, json=as_json)
            report = await asyncio.wrap_future(taken)
        except Gone as gone:
            self._receiver.refused(_where(scope), Refused(str(gone)))
            return
        except Refused as refusal:
            self._receiver.refused(_where(scope), refusal)
            await _refuse(send, refusal, as_json)
            return
        data = _encoded(export_response(signal, report), as_json)
        await _respond(send, 200, JSON if as_json else PROTOBUF, data)

    def _entitled(self, method: str, path: str, headers: Mapping[str, str]) -> Signal:
        """The signal that may be sent so. Raises `Refused`."""
        given = headers.get("authorization", "").encode("latin-1")
        if self._token is not None and not hmac.compare_digest(given, self._token):
            raise Refused(
                "the header `Authorization: Bearer …` does not bear this receiver's token",
                http=401,
                grpc="UNAUTHENTICATED",
            )
        if path not in PATHS:
            raise Refused(f"there is nothing at {path[:80]!r}; traces go to /v1/traces, logs to /v1/logs", http=404)
        if method != "POST":
            raise Refused(f"{method[:20]} is not how things are sent here; use POST", http=405)
        if _kind(headers) not in KINDS:
            raise Refused(f"content type {_kind(headers)[:80]!r} is not known; use {PROTOBUF} or {JSON}", http=415)
        length = headers.get("content-length", "")
        self._receiver.admit(int(length) if length.isdecimal() else 0)
        return PATHS[path]

    async def _body(self, receive: Receive, headers: Mapping[str, str]) -> bytes:
        """The whole body. Raises `Refused` or `Gone`."""
        limits, parts, size = self._receiver.limits, [], 0
        told = headers.get("content-length", "an unknown number of")
        try:
            async with asyncio.timeout(limits.patience):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Gone(f"the client went away after {size} of {told[:20]} bytes; nothing of it was kept")
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    self._arriving += len(parts[-1])
                    if size > limits.body:
                        raise too_large("the body", limits.body)
                    if self._arriving > max(limits.waiting, size):
                        raise come_again("more is coming in than fits here; come again in a moment", BUSY_SECONDS)
                    if not message.get("more_body"):
                        break
        except TimeoutError:
            raise Refused(f"only {size} of {told[:20]} bytes came in time; nothing of it was kept", http=408) from None
        finally:
            self._arriving -= size
        if "content-length" not in headers:
            self._receiver.admit(size)  # its size was not known before
        return b"".join(parts)


def _kind(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _where(scope: Scope) -> str:
    host = scope.get("client")
    return f"{host[0] if host else 'a client'} {scope['method'][:20]} {scope['path'][:80]!r}"


def _encoded(message: Any, as_json: bool) -> bytes:
    if not as_json:
        data: bytes = message.SerializeToString()
        return data
    from google.protobuf.json_format import MessageToDict

    return json.dumps(MessageToDict(message)).encode()


async def _refuse(send: Send, refusal: Refused, as_json: bool) -> None:
    status = Status(code=Code.Value(refusal.grpc), message=refusal.reason)
    headers = [] if refusal.again is None else [(b"retry-after", str(max(1, ceil(refusal.again))).encode())]
    # What is left of a body that is not wanted must not be taken for the next request.
    headers.append((b"connection", b"close"))
    if refusal.http == 405:
        headers.append((b"allow", b"POST"))
    await _respond(send, refusal.http, JSON if as_json else PROTOBUF, _encoded(status, as_json), headers)


async def _respond(
    send: Send, status: int, kind: str, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    own = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})
