"""Messages in the shapes that agent frameworks give them, brought into the one that `message_parts` reads.

Known by their fields, never by the name of a class: chat messages with roles, requests and responses made of parts that
name their kind (`part_kind`), and lists of items that name their type (`function_call`, `message`, `reasoning`).
"""

from collections.abc import Iterator
from typing import Any

_ITEMS = frozenset({"message", "function_call", "function_call_output", "reasoning", "custom_tool_call"})
_ROLE_OF_PART = {"system-prompt": "system", "user-prompt": "user", "tool-return": "tool"}


def messages_of(value: Any) -> list[dict[str, Any]] | None:
    """The messages in a list that is nothing but messages, None for anything else."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return None
    if all("role" in item or item.get("type") in _ITEMS for item in value):
        return [_item(item) for item in value]
    if all(_has_kinds(item) for item in value):
        return [message for item in value for message in _split(item)]
    return None


def reply_of(value: Any) -> dict[str, Any] | None:
    """The assistant's message in a model's answer of one of these shapes, None for anything else."""
    if not isinstance(value, dict):
        return None
    if _has_kinds(value):
        return _assistant(_part(part) for part in value["parts"])
    items = value.get("output")
    if isinstance(items, list) and all(isinstance(item, dict) and item.get("type") in _ITEMS for item in items):
        return _assistant(part for item in items for part in _item_parts(item))
    return None


def _assistant(parts: Iterator[dict[str, Any]]) -> dict[str, Any]:
    return {"role": "assistant", "parts": list(parts)}


# --- chat messages, and items that name their type --------------------------------------------------------------------


def _item(item: dict[str, Any]) -> dict[str, Any]:
    if item.get("type") in _ITEMS and (item["type"] != "message" or isinstance(item.get("content"), list)):
        role = "tool" if item["type"] == "function_call_output" else str(item.get("role") or "assistant")
        return {"role": role, "parts": list(_item_parts(item))}
    calls = item.get("tool_calls")
    if isinstance(calls, list) and any(isinstance(c, dict) and isinstance(c.get("function"), str) for c in calls):
        return item | {"tool_calls": [_named(call) for call in calls]}
    return item


def _named(call: Any) -> Any:
    """A tool call whose `function` is the name itself."""
    if isinstance(call, dict) and isinstance(call.get("function"), str):
        return {"id": call.get("id"), "function": {"name": call["function"], "arguments": call.get("arguments", "")}}
    return call


def _item_parts(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    call_id, name = item.get("call_id") or item.get("id"), item.get("name")
    match item.get("type"):
        case "function_call" | "custom_tool_call":
            arguments = item.get("arguments", item.get("input", ""))
            yield {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
        case "function_call_output":
            yield {"type": "tool_result", "id": call_id, "name": name, "content": item.get("output")}
        case "reasoning":
            yield {"type": "reasoning", "content": item.get("summary") or item.get("content") or ""}
        case _:
            content = item.get("content")
            for part in content if isinstance(content, list) else [content]:
                if isinstance(part, dict) and part.get("type") != "refusal":
                    yield {"type": "text", "content": part.get("text", part)}
                elif part is not None:
                    yield {"type": "text", "content": part.get("refusal", "") if isinstance(part, dict) else part}


# --- parts that name their kind ---------------------------------------------------------------------------------------


def _has_kinds(value: dict[str, Any]) -> bool:
    parts = value.get("parts")
    return isinstance(parts, list) and all(isinstance(part, dict) and "part_kind" in part for part in parts)


def _split(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One message per part of a request, as the parts have roles of their own; a response stays whole."""
    parts = message["parts"]
    if message.get("kind") == "response":
        yield _assistant(_part(part) for part in parts)
        return
    for part in parts:
        kind = part["part_kind"]
        answers = kind == "retry-prompt" and part.get("tool_name")
        role = _ROLE_OF_PART.get(kind, "tool" if answers else "user")
        yield {"role": role, "parts": [_part(part)]}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    content = part.get("content")
    call_id, name = part.get("tool_call_id"), part.get("tool_name")
    match part["part_kind"]:
        case "tool-call":
            return {"type": "tool_call", "id": call_id, "name": name, "arguments": part.get("args") or ""}
        case "tool-return":
            return {"type": "tool_result", "id": call_id, "name": name, "content": content}
        case "retry-prompt" if name:
            return {"type": "tool_result", "id": call_id, "name": name, "content": content}
        case "thinking":
            return {"type": "reasoning", "content": content or ""}
        case _:
            return {"type": "text", "content": "" if content is None else content}
