"""An answer that came in pieces, put together: from server-sent events, or from what a stream handed out.

Known by their fields: chunks of chat completions, events of Responses, of Anthropic's messages and of Bedrock's
Converse, and pieces of LangChain's and Ollama's messages.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from .expand import Expander
from .lines import SpanLines, integer, mapping

_LINE_ENDS = re.compile(r"\r\n|\n|\r")  # no others: U+2028 may stand in JSON
WHOLE = ("response.completed", "response.incomplete", "response.failed")
CONVERSE = ("messageStart", "contentBlockStart", "contentBlockDelta", "messageStop", "metadata")


def streamed(text: str) -> dict[str, Any] | None:
    """The answer in the shape that it has when it is not streamed, None for what is no such stream.

    Args:
        text: of the body.
    """
    if not text.lstrip().startswith(("data:", "event:", ":")):
        return None
    return _whole(list(_events(text)))


def value_of(span: SpanLines, expander: Expander, model: bool = True) -> Any:
    """What a call returned, or what it handed out piece by piece, as if it had returned that.

    Args:
        span: of the call.
        expander: of its document.
        model: whether it is one of a model, whose pieces make up an answer; else a single piece stands for itself.
    """
    if span.pieces:
        pieces = [expander.expand(piece) for piece in span.pieces]
        if model or all(isinstance(piece, str) for piece in pieces):
            return joined(pieces)
        return pieces[0] if len(pieces) == 1 else pieces
    return expander.expand((span.end or {}).get("value"))


def joined(pieces: Sequence[Any]) -> Any:
    """Texts as one text, events of a known shape as the answer that they make up, anything else as it is.

    Args:
        pieces: in order.
    """
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(pieces)
    events = [_unwrapped(piece) for piece in pieces if isinstance(piece, dict)]
    whole = _whole(events)
    return list(pieces) if whole is None else whole


def _unwrapped(piece: dict[str, Any]) -> dict[str, Any]:
    """An event without the names of classes; one that a framework hands on as its `event`, without that."""
    inner = piece.get("event")
    event = _plain(inner if isinstance(inner, dict) and len(piece) == 1 else piece)
    return event if isinstance(event, dict) else {}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key != "$type"}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _whole(events: list[dict[str, Any]]) -> dict[str, Any] | None:
    for event in reversed(events):
        if event.get("type") in WHOLE and isinstance(event.get("response"), dict):
            return mapping(event["response"])
    if any(event.get("type") == "message_start" for event in events):
        return _message(events)
    if any(isinstance(event.get("choices"), list) for event in events):
        return _completion(events)
    if any(isinstance(event.get(key), dict) for event in events for key in CONVERSE[1:4]):
        return _converse(events)
    messages = [_said(event) for event in events]
    return _messages([message for message in messages if message]) if events and any(messages) else None


def _events(text: str) -> Iterator[dict[str, Any]]:
    for line in _LINE_ENDS.split(text):
        if line.startswith("data:"):
            try:
                event = json.loads(line[5:])
            except (ValueError, RecursionError):  # `[DONE]`, or cut off
                continue
            if isinstance(event, dict):
                yield event


def _completion(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Of chunks of one chat completion; of several choices the first."""
    said: dict[str, str] = {}
    calls: dict[int, dict[str, Any]] = {}
    whole: dict[str, Any] = {}
    finish = None
    for event in events:
        whole |= {key: event[key] for key in ("id", "model", "usage") if event.get(key)}
        choices = event.get("choices")
        choice = mapping(choices[0]) if isinstance(choices, list) and choices else {}
        if integer(choice.get("index")):
            continue
        finish = choice.get("finish_reason") or finish
        delta = mapping(choice.get("delta"))
        for key, value in delta.items():
            if isinstance(value, str) and key != "role":
                said[key] = said.get(key, "") + value
        parts = delta.get("tool_calls")
        for part in parts if isinstance(parts, list) else ():
            _add_call(calls, mapping(part))
    message = {"role": "assistant", **said, **({"tool_calls": [calls[at] for at in sorted(calls)]} if calls else {})}
    return {**whole, "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def _add_call(calls: dict[int, dict[str, Any]], part: dict[str, Any]) -> None:
    at = integer(part.get("index")) or 0
    call = calls.setdefault(at, {"id": None, "type": "function", "function": {"name": "", "arguments": ""}})
    call["id"] = part.get("id") or call["id"]
    for key, value in mapping(part.get("function")).items():
        if isinstance(value, str) and key in call["function"]:
            call["function"][key] += value


def _message(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Of Anthropic's events."""
    whole: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        at = integer(event.get("index")) or 0
        delta = mapping(event.get("delta"))
        match event.get("type"):
            case "message_start":
                whole = dict(mapping(event.get("message")))
            case "content_block_start":
                blocks[at] = dict(mapping(event.get("content_block")))
            case "content_block_delta":
                block = blocks.setdefault(at, {"type": "text"})
                for key, value in delta.items():
                    name = "input" if key == "partial_json" else key
                    if key != "type" and isinstance(value, str):
                        before = block.get(name)
                        block[name] = (before if isinstance(before, str) else "") + value
            case "message_delta":
                whole |= delta
                whole["usage"] = {**mapping(whole.get("usage")), **mapping(event.get("usage"))}
    return {**whole, "content": [blocks[at] for at in sorted(blocks)]}


def _converse(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Of Bedrock's events, in the shape of Anthropic's messages."""
    blocks: dict[int, dict[str, Any]] = {}
    whole: dict[str, Any] = {"role": "assistant"}
    latest = -1
    for event in events:
        start, change = mapping(event.get("contentBlockStart")), mapping(event.get("contentBlockDelta"))
        told = integer((start or change).get("contentBlockIndex"))
        if start or event.get("contentBlockStart") == {}:
            latest = latest + 1 if told is None else told
            call = mapping(mapping(start.get("start")).get("toolUse"))
            blocks[latest] = {"type": "tool_use", "id": call.get("toolUseId"), "name": call.get("name")} if call else {}
        elif change:
            latest = max(latest, 0) if told is None else told
            _add_change(blocks.setdefault(latest, {}), mapping(change.get("delta")))
        elif isinstance(event.get("messageStop"), dict):
            whole["stop_reason"] = event["messageStop"].get("stopReason")
        elif isinstance(event.get("metadata"), dict):
            usage = mapping(event["metadata"].get("usage"))
            whole["usage"] = {"input_tokens": usage.get("inputTokens"), "output_tokens": usage.get("outputTokens")}
    return {**whole, "content": [blocks[at] for at in sorted(blocks) if blocks[at]]}


def _add_change(block: dict[str, Any], delta: dict[str, Any]) -> None:
    thought = mapping(delta.get("reasoningContent")).get("text")
    for kind, name, piece in (
        ("text", "text", delta.get("text")),
        ("thinking", "thinking", thought),
        ("tool_use", "input", mapping(delta.get("toolUse")).get("input")),
    ):
        if isinstance(piece, str):
            block.setdefault("type", kind)
            block[name] = block.get(name, "") + piece


def _said(event: dict[str, Any]) -> dict[str, Any]:
    """The message that is a piece, or in it; empty where there is none."""
    inner = mapping(event.get("message")) or event
    is_piece = isinstance(inner.get("content"), str) and (inner is not event or "tool_call_chunks" in inner)
    return {**{key: event[key] for key in ("done_reason",) if key in event}, **inner} if is_piece else {}


def _messages(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    """Of pieces that are messages with a little content each."""
    calls: dict[int, dict[str, Any]] = {}
    whole: list[Any] = []
    told: dict[str, Any] = {}
    for piece in pieces:
        told |= {"finish_reason": piece["done_reason"]} if piece.get("done_reason") else {}
        about = mapping(piece.get("response_metadata"))
        told |= {key: about[key] for key in ("finish_reason", "stop_reason") if about.get(key)}
        told |= {"usage": piece["usage_metadata"]} if piece.get("usage_metadata") else {}
        chunks = piece.get("tool_call_chunks")
        for chunk in map(mapping, chunks if isinstance(chunks, list) else ()):
            named = {"name": chunk.get("name"), "arguments": chunk.get("args")}
            _add_call(calls, {"index": chunk.get("index"), "id": chunk.get("id"), "function": named})
        whole += piece["tool_calls"] if not chunks and isinstance(piece.get("tool_calls"), list) else ()
    asked = [calls[at] for at in sorted(calls)] or whole
    message = {"role": "assistant", "content": "".join(piece["content"] for piece in pieces)}
    return {**told, "message": {**message, **({"tool_calls": asked} if asked else {})}}
