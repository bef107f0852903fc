"""Exchanges of aiohttp's client: on its connections, where the bytes of request and response go over the wire."""

from __future__ import annotations

import sys

from .exchanges import LARGEST_BODY
from .wire import Message, decoded, response_bytes

STATE = "_harnessfix_exchange"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .answers import Answers
    from .exchanges import Exchanges


def record(aiohttp: Any, exchanges: Exchanges) -> None:
    """Write what goes through connections of the client."""
    client_proto, connector = _parts()
    base, handler, held = connector.BaseConnector, client_proto.ResponseHandler, connector.Connection
    connect, data_received = base.connect, handler.data_received
    release, close = held.release, held.close

    async def connect_(self: Any, req: Any, traces: Any, timeout: Any) -> Any:
        up = exchanges.up()
        try:
            connection = await connect(self, req, traces, timeout)
        except BaseException as error:
            exchange = exchanges.ask(req.method, str(req.url), None, up)
            if exchange is not None:
                exchange.failed(error)
            raise
        try:
            _watch(connection.protocol, _Talk(exchanges, req.method, str(req.url), up))
        except Exception as error:
            exchanges.failed("aiohttp", error)
        return connection

    def data_received_(self: Any, data: bytes) -> None:
        talk = self.__dict__.get(STATE)
        if talk is not None:
            talk.take(data)
        data_received(self, data)

    def ended(original: Any) -> Any:
        def end(self: Any) -> None:
            talk = None if self._protocol is None else self._protocol.__dict__.pop(STATE, None)
            if talk is not None:
                talk.end()
            original(self)

        return end

    base.connect, handler.data_received = connect_, data_received_
    held.release, held.close = ended(release), ended(close)


def _parts() -> tuple[Any, Any]:
    """The modules of aiohttp that hold protocols and connections; both are loaded with it."""
    return sys.modules["aiohttp.client_proto"], sys.modules["aiohttp.connector"]


def _watch(protocol: Any, talk: _Talk) -> None:
    protocol.__dict__[STATE] = talk
    transport = protocol.transport
    if not isinstance(transport, _Transport):
        transport = protocol.transport = _Transport(transport)
    transport.__dict__["talk"] = talk


class _Transport:
    """A transport that keeps what is written."""

    def __init__(self, transport: Any) -> None:
        self.__dict__.update(transport=transport, talk=None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["transport"], name)

    def write(self, data: Any) -> None:
        """As the transport's."""
        self.__dict__["talk"].sent += data
        self.__dict__["transport"].write(data)

    def writelines(self, parts: Any) -> None:
        """As the transport's."""
        self.write(b"".join(parts))


class _Talk:
    """One request and its response, as bytes."""

    def __init__(self, exchanges: Exchanges, method: str, url: str, up: str | None) -> None:
        self._exchanges, self._method, self._url, self._up = exchanges, method, url, up
        self.sent, self._kept = bytearray(), bytearray()
        self._exchange: Any = None

    def _ask(self) -> None:
        if self._exchange is None:
            body = Message(bytes(self.sent)).body()
            self._exchange = self._exchanges.ask(self._method, self._url, body, self._up)

    def take(self, data: bytes) -> None:
        """Bytes of the response."""
        try:
            self._ask()
            if len(self._kept) <= LARGEST_BODY:
                self._kept += data
        except Exception as error:
            self._exchanges.failed("aiohttp", error)

    def end(self) -> None:
        """The connection is free again, or closed."""
        try:
            self._ask()
            if self._exchange is None:
                return
            message = Message(bytes(self._kept))
            status = message.first.split(" ")[1:2]
            if not status or not status[0].isdigit():
                self._exchange.failed(ConnectionError("the connection ended without a response"))
                return
            large = len(self._kept) > LARGEST_BODY
            body = None if large else decoded(message.body(), message.header("content-encoding"))
            bare = int(status[0]) in (204, 304) or self._method == "HEAD"
            self._exchange.answered(int(status[0]), message.headers, body, bare or message.complete(closed=True))
        except Exception as error:
            self._exchanges.failed("aiohttp", error)


def replay(aiohttp: Any, answers: Answers) -> None:
    """Answer from a recording what the recording knows, through the client's own parser; no connection is made."""
    import asyncio

    client_proto, connector = _parts()
    connect = connector.BaseConnector.connect

    class Wire(asyncio.Transport):
        """The far end: answers once the request is whole."""

        def __init__(self, protocol: Any, req: Any, loop: Any) -> None:
            super().__init__()
            self._protocol, self._req, self._loop = protocol, req, loop
            self._sent = bytearray()
            self._closing = self._answered = False

        def write(self, data: Any) -> None:
            self._sent += data
            if not self._answered and Message(bytes(self._sent)).complete():
                self._answered = True
                self._loop.call_soon(self._answer)

        def _answer(self) -> None:
            body = Message(bytes(self._sent)).body()
            answer = answers.answer(self._req.method, str(self._req.url), body)
            if answer is None or answer.failed:
                message = "no answer" if answer is None else answer.message
                kind = asyncio.TimeoutError if answer is not None and "imeout" in answer.failed else ConnectionError
                self._protocol.set_exception(kind(message))
            else:
                self._protocol.data_received(response_bytes(answer.status, answer.headers, answer.body))

        def is_closing(self) -> bool:
            return self._closing

        def close(self) -> None:
            if not self._closing:
                self._closing = True
                self._loop.call_soon(self._protocol.connection_lost, None)

        abort = close

        def get_extra_info(self, name: str, default: Any = None) -> Any:
            return default

        def pause_reading(self) -> None:
            """Everything is there at once."""

        def resume_reading(self) -> None:
            """Everything is there at once."""

    async def connect_(self: Any, req: Any, traces: Any, timeout: Any) -> Any:
        if not answers.knows(str(req.url)):
            return await connect(self, req, traces, timeout)
        loop = asyncio.get_running_loop()
        protocol = client_proto.ResponseHandler(loop=loop)
        protocol.connection_made(Wire(protocol, req, loop))
        self._acquired.add(protocol)
        return connector.Connection(self, req.connection_key, protocol, loop)

    connector.BaseConnector.connect = connect_
