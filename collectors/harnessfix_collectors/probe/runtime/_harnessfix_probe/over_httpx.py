"""Exchanges of httpx, and of its successor httpx2: at their transports, where requests are whole and responses begin.

Transports of other kinds (mocks, applications called in-process) are the program's own and are left alone.
"""

from __future__ import annotations

from .wire import decoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .answers import Answers
    from .exchanges import LARGEST_BODY, Exchange, Exchanges
else:
    from .exchanges import LARGEST_BODY


def record(httpx: Any, exchanges: Exchanges) -> None:
    """Write what goes through the transports that reach the network."""
    sync_tee, async_tee = _tees(httpx)
    send, send_async = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request

    def handle_request(self: Any, request: Any) -> Any:
        exchange = exchanges.ask(request.method, str(request.url), _body(request))
        try:
            response = send(self, request)
        except BaseException as error:
            if exchange is not None:
                exchange.failed(error)
            raise
        return _teed(response, exchange, sync_tee)

    async def handle_async_request(self: Any, request: Any) -> Any:
        exchange = exchanges.ask(request.method, str(request.url), _body(request))
        try:
            response = await send_async(self, request)
        except BaseException as error:
            if exchange is not None:
                exchange.failed(error)
            raise
        return _teed(response, exchange, async_tee)

    httpx.HTTPTransport.handle_request = handle_request
    httpx.AsyncHTTPTransport.handle_async_request = handle_async_request


def replay(httpx: Any, answers: Answers) -> None:
    """Answer from a recording what the recording knows."""
    send, send_async = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request

    def answered(request: Any) -> Any:
        answer = answers.answer(request.method, str(request.url), _body(request))
        if answer is None:
            return None
        if answer.failed:
            kind = getattr(httpx, answer.failed.rpartition(".")[2], httpx.ConnectError)
            raise kind(answer.message, request=request)
        return httpx.Response(answer.status, headers=answer.headers, stream=httpx.ByteStream(answer.body))

    def handle_request(self: Any, request: Any) -> Any:
        response = answered(request)
        return send(self, request) if response is None else response

    async def handle_async_request(self: Any, request: Any) -> Any:
        response = answered(request)
        return await send_async(self, request) if response is None else response

    httpx.HTTPTransport.handle_request = handle_request
    httpx.AsyncHTTPTransport.handle_async_request = handle_async_request


def _body(request: Any) -> bytes | None:
    try:
        content: bytes = request.content
        return content
    except Exception:  # a stream that can be read only once, which is the transport's to do
        return None


def _teed(response: Any, exchange: Exchange | None, tee: Any) -> Any:
    if exchange is not None:
        response.stream = tee(response.stream, _Kept(response, exchange))
    return response


class _Kept:
    """What was read of a response so far."""

    def __init__(self, response: Any, exchange: Exchange) -> None:
        self.status = response.status_code
        self.headers = [(name.lower(), value) for name, value in response.headers.multi_items()]
        self.exchange = exchange
        self.parts: list[bytes] = []
        self.size = 0

    def take(self, part: bytes) -> bytes:
        self.size += len(part)
        if self.size <= LARGEST_BODY:
            self.parts.append(part)
        return part

    def end(self, whole: bool) -> None:
        encoding = next((value for name, value in self.headers if name == "content-encoding"), "")
        body = decoded(b"".join(self.parts), encoding) if self.size <= LARGEST_BODY else None
        self.exchange.answered(self.status, self.headers, body, whole)


def _tees(httpx: Any) -> tuple[Any, Any]:
    class SyncTee(httpx.SyncByteStream):  # type: ignore[misc]
        """Hands a stream on as it comes and keeps it."""

        def __init__(self, stream: Any, kept: _Kept) -> None:
            self._stream, self._kept = stream, kept

        def __iter__(self) -> Any:
            for part in self._stream:
                yield self._kept.take(part)
            self._kept.end(True)

        def close(self) -> None:
            self._kept.end(False)
            self._stream.close()

    class AsyncTee(httpx.AsyncByteStream):  # type: ignore[misc]
        """Hands a stream on as it comes and keeps it."""

        def __init__(self, stream: Any, kept: _Kept) -> None:
            self._stream, self._kept = stream, kept

        async def __aiter__(self) -> Any:
            async for part in self._stream:
                yield self._kept.take(part)
            self._kept.end(True)

        async def aclose(self) -> None:
            self._kept.end(False)
            await self._stream.aclose()

    return SyncTee, AsyncTee
