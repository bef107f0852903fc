"""The HTTP exchanges of a recording, and what became of them when they were played back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .lines import SpoolDocument, integer, mapping, raw_lines, read_lines, string


@dataclass(frozen=True)
class Exchange:
    """One request and its answer.

    Args:
        number: place among the requests of the recording, from 1.
        method, url: of the request, without secrets.
        asked: its body as text (base64 where it is none), None when it is not known.
        status: HTTP status of the answer, 0 without one.
        headers: of the answer, those that were kept.
        body: of the answer: `{"text": …}`, `{"base64": …}`, or `{"lost": reason}`.
        failed: class of the exception that came instead of an answer, empty when one came.
        message: of that exception.
        step: span id of the step that asked, empty at the top.
        time_ns: when it was asked, Unix time in nanoseconds.
        whole: whether the program read the answer to its end.
    """

    number: int
    method: str
    url: str
    asked: str | None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)
    failed: str = ""
    message: str = ""
    step: str = ""
    time_ns: int = 0
    whole: bool = True

    @property
    def playable(self) -> str:
        """Why its answer cannot be played back; empty when it can."""
        if self.failed or self.status:
            return f"the answer was not kept: {self.body['lost']}" if "lost" in self.body else ""
        return "the program ended before the answer came"

    def as_plan(self) -> dict[str, Any]:
        """As the program's side of the replay reads it."""
        return {
            "n": self.number,
            "method": self.method,
            "url": self.url,
            "asked": self.asked,
            "status": self.status,
            "headers": dict(self.headers),
            "failed": self.failed,
            "message": self.message,
            **{name: text for name, text in self.body.items() if name in ("text", "base64")},
        }

    @classmethod
    def from_plan(cls, told: Mapping[str, Any]) -> "Exchange":
        """An exchange from what `as_plan` made. Raises `KeyError`, `TypeError` or `ValueError` when it is none."""
        body = {name: str(told[name]) for name in ("text", "base64") if name in told}
        asked = told["asked"]
        return cls(
            number=int(told["n"]),
            method=str(told["method"]),
            url=str(told["url"]),
            asked=None if asked is None else str(asked),
            status=int(told["status"]),
            headers={str(name): str(value) for name, value in dict(told["headers"]).items()},
            body=body,
            failed=str(told["failed"]),
            message=str(told["message"]),
        )


@dataclass(frozen=True)
class Played:
    """One request that was answered from a recording.

    Args:
        number: of the exchange whose answer it got, 0 when there was none left.
        same: whether it was the recorded request, byte for byte.
        difference: where it first differs, in words; empty when it does not.
        step: span id of the step that asked.
        time_ns: Unix time in nanoseconds.
    """

    number: int
    same: bool
    difference: str = ""
    step: str = ""
    time_ns: int = 0


def exchanges_of(data: bytes) -> list[Exchange]:
    """The exchanges of a recording, in the order in which they were asked."""
    document = read_lines(data, "recording")
    asks: list[dict[str, Any]] = []
    answers: dict[str, dict[str, Any]] = {}
    for line in raw_lines(data):
        name = string(line.get("id"))
        if name is not None and line.get("t") == "ask":
            asks.append(line)
        elif name is not None and line.get("t") == "answer":
            answers.setdefault(name, line)
    bodies: dict[str, str | None] = {}
    found = []
    for line in asks:
        bodies[line["id"]] = asked_of(line, bodies, document)
    for number, line in enumerate(sorted(asks, key=lambda line: integer(line.get("time")) or 0), 1):
        found.append(_exchange(number, line, bodies[line["id"]], mapping(answers.get(line["id"])), document))
    return found


def played_of(data: bytes) -> list[Played]:
    """What was asked in a replay, in order."""
    found = []
    for line in raw_lines(data):
        if line.get("t") == "replayed":
            same = line.get("same") is True
            number = integer(line.get("n")) or 0
            words = "" if same else _difference(line, number)
            step, time = string(line.get("up")) or "", integer(line.get("time")) or 0
            found.append(Played(number, same, words, step, time))
    return sorted(found, key=lambda one: one.time_ns)


def asked_of(line: Mapping[str, Any], known: Mapping[str, str | None], document: SpoolDocument) -> str | None:
    """The body of a request as text, None when it is not known.

    Args:
        line: of the request.
        known: bodies of the requests before it, by their ids.
        document: with its texts.
    """
    text = _text(line.get("text", line.get("base64")), document)
    like = line.get("like")
    if text is None or like is None:
        return text
    before = known.get(str(like))
    head, tail = integer(line.get("head")) or 0, integer(line.get("tail")) or 0
    if before is None or min(head, tail) < 0 or head + tail > len(before):
        return None
    return before[:head] + text + (before[len(before) - tail :] if tail else "")


def _exchange(
    number: int, line: Mapping[str, Any], asked: str | None, answer: Mapping[str, Any], document: SpoolDocument
) -> Exchange:
    body: dict[str, str] = {}
    for name in ("text", "base64"):
        text = _text(answer.get(name), document)
        if text is not None:
            body[name] = text
    if not body and answer.get("status"):
        body["lost"] = string(answer.get("lost")) or "it is not in the recording"
    failure = mapping(answer.get("exc"))
    headers = {name: value for name, value in mapping(answer.get("headers")).items() if isinstance(value, str)}
    return Exchange(
        number=number,
        method=string(line.get("method")) or "",
        url=string(line.get("url")) or "",
        asked=asked,
        status=integer(answer.get("status")) or 0,
        headers=headers,
        body=body,
        failed=string(failure.get("type")) or "",
        message=string(failure.get("message")) or "",
        step=string(line.get("up")) or "",
        time_ns=integer(line.get("time")) or 0,
        whole=answer.get("cut") is not True,
    )


def _text(value: object, document: SpoolDocument) -> str | None:
    if isinstance(value, str):
        return value
    name = mapping(value).get("$")
    return document.texts.get(name) if isinstance(name, str) else None


def _difference(line: Mapping[str, Any], number: int) -> str:
    now = str(line.get("now") or "")
    if not number:
        return f"one more request than was recorded: {now}"
    was, at = str(line.get("was") or ""), integer(line.get("at")) or 0
    where = "the address" if at < 0 else f"character {at:,} of the request"
    return f"request {number} differs at {where}: recorded {was!r}, now {now!r}"


def first_difference(played: Sequence[Played]) -> Played | None:
    """The first request that is not the recorded one; None when all are."""
    return next((one for one in played if not one.same), None)
