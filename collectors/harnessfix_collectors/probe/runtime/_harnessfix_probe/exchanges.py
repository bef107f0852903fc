"""HTTP exchanges of the program: what was asked of whom, and what came back.

Written so that model answers can be played back later. Of the headers only those named here are kept, so that no
credential is ever among them; addresses and bodies go through the redactor like every text.
"""

from __future__ import annotations

import base64
from _thread import allocate_lock

from .jsontext import Json, dumps
from .system import System

KEPT_HEADERS = (
    "content-type",
    "location",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "x-request-id",
    "request-id",
)
LARGEST_BODY = 8_000_000
MOST = 20_000
SHARED = 200
QUERY = r"([?&]([\w-]+)=)[^&#]+"
SECRET = r"(?i)key|token|secret|password|sig|credential|code"
USER = r"(?<=://)[^/@\s]+@"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .probe import Probe


class Exchange:
    """One request that was written, whose answer is awaited.

    Args:
        exchanges: writes it.
        name: id of the request's line.
    """

    def __init__(self, exchanges: Exchanges, name: str) -> None:
        self._exchanges, self._name, self._done = exchanges, name, False

    def answered(self, status: int, headers: Iterable[tuple[str, str]], body: bytes | None, whole: bool = True) -> None:
        """The response is known.

        Args:
            status: HTTP status code.
            headers: lower-case names and values.
            body: decoded; None when it is too large or in a coding that is unknown here.
            whole: whether the program read it to its end.
        """
        kept = {name: value for name, value in headers if name in KEPT_HEADERS}
        line = {"status": status, "headers": {name: self._exchanges.scrub(kept[name]) for name in kept}}
        self._end({**line, **self._exchanges.content(body), **({} if whole else {"cut": True})})

    def failed(self, error: BaseException) -> None:
        """There was no response."""
        message = self._exchanges.scrub(str(error)[:1000])
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        self._end({"exc": {"type": kind, "message": message}})

    def _end(self, line: dict[str, Any]) -> None:
        if not self._done:
            self._done = True
            self._exchanges.write({"t": "answer", "id": self._name, **line, "time": System.now()})


class Exchanges:
    """Writes the exchanges of this process.

    Args:
        probe: whose spool they go to.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._lock = allocate_lock()
        self._spool: object = None
        self._number = 0
        self._before: dict[str, tuple[str, str]] = {}

    def up(self) -> str | None:
        """Id of the current step."""
        return self._probe.up()

    def ask(self, method: str, url: str, body: bytes | None, up: str | None = None) -> Exchange | None:
        """A request was made; None when it is one too many, or cannot be written.

        Args:
            method, url: as sent; what the address holds of secrets is replaced.
            body: its bytes, None when they are not known.
            up: the step it belongs to, the current one when None.
        """
        try:
            with self._lock:
                if self._spool is not self._probe.spool:  # another recording began, whose lines cannot refer to ours
                    self._spool, self._number, self._before = self._probe.spool, 0, {}
                self._number += 1
                if self._number > MOST:
                    return None
                name = self._probe.new_id()
                place = clean_url(url, self.scrub)
                line = {"t": "ask", "id": name, "up": up or self.up(), "method": method, "url": place}
                self.write({**line, **self._like_before(name, place, body), "time": System.now()})
            return Exchange(self, name)
        except Exception as error:
            self.failed("ask", error)
            return None

    def _like_before(self, name: str, place: str, body: bytes | None) -> dict[str, Any]:
        """The body; one that shares its beginning and end with the one before at this place as the difference.

        Agents send their growing history in every request: written whole, a run would grow with its square.
        """
        text = self._as_text(body)
        known = self._before.get(place)
        if text is None:
            return self.content(body)
        self._before[place] = (name, text)
        if known is None:
            return self.content(body)
        head = common_prefix(known[1], text)
        tail = common_prefix(known[1][head:][::-1], text[head:][::-1])
        if head + tail < SHARED:
            return self.content(body)
        middle = Json(self._probe.spool.text(text[head : len(text) - tail]))
        return {"like": known[0], "head": head, "tail": tail, "text": middle}

    def _as_text(self, body: bytes | None) -> str | None:
        if body is None or len(body) > LARGEST_BODY:
            return None
        try:
            return self.scrub(body.decode("utf-8"))
        except UnicodeDecodeError:
            return None

    def content(self, body: bytes | None) -> dict[str, Any]:
        """A body as fields of a line: `text`, or `base64` where it is no text, or `lost` with the reason."""
        if body is None:
            return {"lost": "it could not be read"}
        if len(body) > LARGEST_BODY:
            return {"lost": f"it has {len(body)} bytes"}
        try:
            return {"text": Json(self._probe.spool.text(body.decode("utf-8")))}
        except UnicodeDecodeError:
            return {"base64": Json(self._probe.spool.text(base64.b64encode(body).decode()))}

    def scrub(self, text: str) -> str:
        """`text` without secrets."""
        return self._probe.spool.scrub(text)

    def write(self, line: dict[str, Any]) -> None:
        """Write a line; trouble is told and is not the program's."""
        try:
            self._probe.spool.line(dumps(line))
        except Exception as error:
            self.failed("exchange", error)

    def failed(self, where: str, error: BaseException) -> None:
        """Something of ours went wrong."""
        self._probe.failed(where, error)


def clean_url(url: str, scrub: Any) -> str:
    """An address without user, password, and what its query names as secret."""
    if "?" in url or "@" in url:
        import re

        def told(found: re.Match[str]) -> str:
            return f"{found[1]}<redacted>" if re.search(SECRET, found[2]) else found[0]

        url = re.sub(QUERY, told, re.sub(USER, "", url))
    return str(scrub(url))


def common_prefix(one: str, other: str) -> int:
    """Number of characters with which both texts begin."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
