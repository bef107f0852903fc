"""Exchanges over `http.client`: urllib, urllib3, requests, botocore and whatever else stands on it."""

from __future__ import annotations

import io

from .exchanges import LARGEST_BODY
from .wire import Message, dechunked, decoded, response_bytes

STATE = "_harnessfix_exchange"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .answers import Answer, Answers
    from .exchanges import Exchange, Exchanges


class _Sent:
    """A request on its way: what was written of it so far."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.data: bytearray | None = bytearray()

    def take(self, data: Any) -> None:
        if isinstance(data, (bytes, bytearray, memoryview)):
            if self.data is not None:
                self.data += data
        else:  # a file or an iterable, which can be read only once
            self.data = None

    def body(self) -> bytes | None:
        return None if self.data is None else Message(bytes(self.data)).body()

    def target(self) -> str:
        first = Message(bytes(self.data or b"")).first.split(" ")
        return first[1] if len(first) > 1 else "/"


def record(client: Any, exchanges: Exchanges) -> None:
    """Write what goes through connections of `http.client`."""
    connection = client.HTTPConnection
    putrequest, send, getresponse = connection.putrequest, connection.send, connection.getresponse

    def putrequest_(self: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
        setattr(self, STATE, _Sent(method))
        return putrequest(self, method, url, *args, **options)

    def send_(self: Any, data: Any) -> Any:
        sent = getattr(self, STATE, None)
        if sent is not None and not _is_tunnel(data):
            sent.take(data)
        try:
            return send(self, data)
        except BaseException as error:
            exchange = _ask(self, exchanges)
            if exchange is not None:
                exchange.failed(error)
            raise

    def getresponse_(self: Any) -> Any:
        exchange = _ask(self, exchanges)
        try:
            response = getresponse(self)
        except BaseException as error:
            if exchange is not None:
                exchange.failed(error)
            raise
        if exchange is not None:
            try:
                _keep(response, exchange)
            except Exception as error:
                exchanges.failed("response", error)
        return response

    connection.putrequest, connection.send, connection.getresponse = putrequest_, send_, getresponse_


def _ask(connection: Any, exchanges: Exchanges) -> Exchange | None:
    sent = connection.__dict__.pop(STATE, None)
    if sent is None:
        return None
    return exchanges.ask(sent.method, _url(connection, sent.target()), sent.body())


def _url(connection: Any, target: str) -> str:
    if "://" in target:
        return target
    host = getattr(connection, "_tunnel_host", None) or connection.host
    port = getattr(connection, "_tunnel_port", None) or connection.port
    scheme = "https" if connection.default_port == 443 else "http"
    return f"{scheme}://{host}{'' if port in (None, connection.default_port) else f':{port}'}{target}"


def _is_tunnel(data: Any) -> bool:
    return isinstance(data, bytes) and data.startswith(b"CONNECT ")


def _keep(response: Any, exchange: Exchange) -> None:
    headers = [(name.lower(), value) for name, value in response.headers.items()]
    if response.fp is None:
        exchange.answered(response.status, headers, b"")
    else:
        response.fp = _Tee(response.fp, response.status, headers, response.length, bool(response.chunked), exchange)


class _Tee:
    """The file that a response is read from: hands on what is read and keeps it, still framed as on the wire."""

    def __init__(
        self, file: Any, status: int, headers: list[tuple[str, str]], length: int | None, chunked: bool, to: Exchange
    ) -> None:
        self._file, self._status, self._headers = file, status, headers
        self._length, self._chunked, self._exchange = length, chunked, to
        self._kept = bytearray()
        self._ended = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def _take(self, data: Any) -> Any:
        if len(self._kept) <= LARGEST_BODY:
            self._kept += data
        return data

    def read(self, *size: Any) -> Any:
        """As the file's."""
        data = self._file.read(*size)
        self._ended = self._ended or not data or not size
        return self._take(data)

    def read1(self, *size: Any) -> Any:
        """As the file's."""
        data = self._file.read1(*size)
        self._ended = self._ended or not data
        return self._take(data)

    def readline(self, *size: Any) -> Any:
        """As the file's."""
        return self._take(self._file.readline(*size))

    def readinto(self, buffer: Any) -> Any:
        """As the file's."""
        count = self._file.readinto(buffer)
        self._ended = self._ended or not count
        self._take(bytes(memoryview(buffer)[: count or 0]))
        return count

    def close(self) -> None:
        """As the file's; the answer is written."""
        kept = bytes(self._kept)
        if self._chunked:
            body, whole = dechunked(kept)
        else:
            body, whole = kept, (len(kept) >= self._length if self._length is not None else self._ended)
        encoding = next((value for name, value in self._headers if name == "content-encoding"), "")
        large = len(kept) > LARGEST_BODY
        self._exchange.answered(self._status, self._headers, None if large else decoded(body, encoding), whole)
        self._file.close()


def replay(client: Any, answers: Answers) -> None:
    """Answer from a recording what the recording knows; no connection is made for that."""
    connection, secure = client.HTTPConnection, client.HTTPSConnection
    putrequest, send, getresponse = connection.putrequest, connection.send, connection.getresponse

    def putrequest_(self: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
        setattr(self, STATE, _Sent(method) if answers.knows(_url(self, url)) else None)
        return putrequest(self, method, url, *args, **options)

    def send_(self: Any, data: Any) -> Any:
        sent = getattr(self, STATE, None)
        if sent is None:
            return send(self, data)
        if self.sock is None:
            self.sock = _Socket(None)
        return sent.take(data)

    def getresponse_(self: Any) -> Any:
        sent = self.__dict__.pop(STATE, None)
        if sent is None:
            return getresponse(self)
        answer = answers.answer(sent.method, _url(self, sent.target()), sent.body())
        if answer is None or answer.failed:
            raise _error(client, answer)
        self._HTTPConnection__state = client._CS_IDLE
        response = client.HTTPResponse(_Socket(answer), method=sent.method)
        response.begin()
        self.sock = None  # each answer says that the connection ends with it
        return response

    connection.putrequest, connection.send, connection.getresponse = putrequest_, send_, getresponse_
    for kind in (connection, secure):
        _without_connecting(kind, answers)


def replay_urllib3(module: Any, answers: Answers) -> None:
    """The connections of urllib3 connect in their own way."""
    for kind in (module.HTTPConnection, module.HTTPSConnection):
        _without_connecting(kind, answers)


def _without_connecting(kind: Any, answers: Answers) -> None:
    if "connect" not in kind.__dict__:
        return
    connect = kind.connect

    def connect_(self: Any) -> None:
        if answers.knows(_url(self, "/")):
            self.sock = _Socket(None)
            self.is_verified = True
        else:
            connect(self)

    kind.connect = connect_


def _error(client: Any, answer: Answer | None) -> BaseException:
    name = "" if answer is None else answer.failed.rpartition(".")[2]
    message = "no answer" if answer is None else answer.message
    if "imeout" in name:
        return TimeoutError(message)
    kind = getattr(client, name, None) or ConnectionError
    return kind(message) if isinstance(kind, type) and issubclass(kind, Exception) else ConnectionError(message)


class _Socket:
    """Stands for a connected socket; a response made of it reads the answer."""

    def __init__(self, answer: Answer | None) -> None:
        self._data = b"" if answer is None else response_bytes(answer.status, answer.headers, answer.body)

    def makefile(self, *mode: Any, **options: Any) -> Any:
        """What the response is read from."""
        return io.BytesIO(self._data)

    def settimeout(self, seconds: Any) -> None:
        """There is nothing to wait for."""

    def setsockopt(self, *option: Any) -> None:
        """There is nothing to set."""

    def close(self) -> None:
        """There is nothing to close."""
