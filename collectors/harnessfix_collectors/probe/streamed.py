"""An answer that came as server-sent events, put together: chat chunks, Responses events, Anthropic's messages."""

import json
import re
from collections.abc import Iterator
from typing import Any

from .lines import integer, mapping

_LINE_ENDS = re.compile(r"\r\n|\n|\r")  # no others: U+2028 may stand in JSON
WHOLE = ("response.completed", "response.incomplete", "response.failed")


def streamed(text: str) -> dict[str, Any] | None:
    """The answer in the shape that it has when it is not streamed, None for what is no such stream.

    Args:
        text: of the body.
    """
    if not text.lstrip().startswith(("data:", "event:", ":")):
        return None
    events = list(_events(text))
    for event in reversed(events):
        if event.get("type") in WHOLE and isinstance(event.get("response"), dict):
            return mapping(event["response"])
    if any(event.get("type") == "message_start" for event in events):
        return _message(events)
    return _completion(events) if any(isinstance(event.get("choices"), list) for event in events) else None


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
