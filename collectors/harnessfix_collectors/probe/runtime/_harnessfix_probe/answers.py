"""Answers of a recording, given to the program in place of those of its model.

A request that was recorded, byte for byte, gets the answer that it got then, whatever the order. Another request to a
recorded place gets the next answer of that place, and the difference is written: from there on the run is no longer the
one that was recorded.
"""

from __future__ import annotations

import base64
from _thread import allocate_lock
from urllib.parse import urlsplit

from .exchanges import clean_url, common_prefix
from .jsontext import Json, dumps
from .system import System

SHOWN = 60
HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
MODEL_PATHS = (
    "/chat/completions",
    "/completions",
    "/responses",
    "/messages",
    "/embeddings",
    ":generateContent",
    ":streamGenerateContent",
    "/converse",
    "/converse-stream",
    "/invoke",
    "/api/chat",
    "/api/generate",
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .probe import Probe


class Answer:
    """One recorded answer: a response, or (`failed` names the exception's class) none."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.status = int(told.get("status") or 0)
        self.headers = [(str(name), str(value)) for name, value in told.get("headers", {}).items()]
        self.body = base64.b64decode(told["base64"]) if "base64" in told else str(told.get("text", "")).encode()
        self.failed = str(told.get("failed", ""))
        self.message = str(told.get("message", ""))


class Answers:
    """The answers of a recording, each given once.

    Args:
        probe: told of what was asked.
        recorded: objects with `n`, `method`, `url`, `asked` (text of the request's body, None when unknown) and the
            fields of `Answer`, in the order of the requests.
    """

    def __init__(self, probe: Probe, recorded: list[dict[str, Any]]) -> None:
        self._probe = probe
        self._left = list(recorded)
        self._lock = allocate_lock()
        self._hosts = {_host(told["url"]) for told in recorded}

    def knows(self, url: str) -> bool:
        """Whether requests to this place are answered here: the recording's places, and models wherever they are."""
        return _host(url) in self._hosts or is_model(url)

    def answer(self, method: str, url: str, body: bytes | None) -> Answer | None:
        """The answer to a request; None when it is none of ours."""
        if not self.knows(url):
            return None
        place = clean_url(url, self._probe.spool.scrub)
        asked = None if body is None else self._probe.spool.scrub(_text(body))
        with self._lock:
            found = self._same(method, place, asked) or self._next(method, place)
            if found is not None:
                self._left.remove(found)
        if found is None:
            self._tell({"n": None, "same": False, "now": f"{method} {place}"[:SHOWN]})
            return _refusal()
        self._tell({"n": found["n"], **_difference(found, method, place, asked)})
        return Answer(found)

    def _same(self, method: str, place: str, asked: str | None) -> dict[str, Any] | None:
        for told in self._left:
            if told["method"] == method and _place(told["url"]) == _place(place) and told["asked"] == asked:
                return told
        return None

    def _next(self, method: str, place: str) -> dict[str, Any] | None:
        path = _place(place).partition("?")[0]
        for told in self._left:
            if told["method"] == method and _place(told["url"]).partition("?")[0] == path:
                return told
        return None

    def _tell(self, line: dict[str, Any]) -> None:
        try:
            self._probe.spool.line(
                dumps({"t": "replayed", "up": self._probe.up(), **_as_json(line), "time": System.now()})
            )
        except Exception as error:
            self._probe.failed("replay", error)


def is_model(url: str) -> bool:
    """Whether an address is one at which models are asked."""
    return urlsplit(url).path.rstrip("/").endswith(MODEL_PATHS)


def _as_json(line: dict[str, Any]) -> dict[str, Any]:
    return {name: Json(dumps(value)) for name, value in line.items()}


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(body).decode()


def _host(url: str) -> str:
    """Scheme and host; servers of this machine are one, as they get another port each time."""
    parts = urlsplit(url)
    return "here" if parts.hostname in HERE else f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{_host(url)}{parts.path or '/'}{'?' + parts.query if parts.query else ''}"


def _difference(told: dict[str, Any], method: str, place: str, asked: str | None) -> dict[str, Any]:
    """Where a request first differs from the recorded one; `at` counts characters of the body, -1 is the address."""
    if _place(told["url"]) != _place(place):
        return {"same": False, "at": -1, "was": told["url"][:SHOWN], "now": place[:SHOWN]}
    was = told["asked"]
    if was is None or asked is None:
        return {"same": was == asked, "at": 0, "was": "", "now": ""} if was != asked else {"same": True}
    if was == asked:
        return {"same": True}
    at = common_prefix(was, asked)
    return {"same": False, "at": at, "was": was[at : at + SHOWN], "now": asked[at : at + SHOWN]}


def _refusal() -> Answer:
    """What a program gets that asks more often than was recorded: an error that no client asks again for."""
    words = "harnessfix replay: the recording holds no further answer for this place"
    body = f'{{"error": {{"type": "replay_exhausted", "message": "{words}"}}}}'
    return Answer({"status": 400, "headers": {"content-type": "application/json"}, "text": body})
