"""Messages in the shapes that agent frameworks give them, brought into the one that `message_parts` reads.

Known by their fields, never by the name of a class: chat messages with roles, requests and responses made of parts that
name their kind (`part_kind`), and lists of items that name their type (`function_call`, `message`, `reasoning`).
"""

from collections.abc import Iterable, Iterator
from typing import Any

from harnessfix_collectors.values import as_text

# Calls that the provider makes itself: no harness has to answer them.
_HOSTED = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call"}
)
# What an item of Responses says of its type: these, and with a `call_id` also `computer_call`, `shell_call_output` …
_ITEMS = _HOSTED | {"message", "reasoning", "function_call", "function_call_output", "custom_tool_call"}
_CALL, _OUTPUT = "_call", "_call_output"
_GIVEN = ("arguments", "input", "action", "actions", "operation")
# The last word of a class, or of what a message says of its `type`, before "Message".
_ROLE_OF_CLASS = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "tool": "tool",
    "functionexecutionresult": "tool",
}
_ANSWERS = frozenset({"choices", "content", "text", "message", "output", "answer", "response", "candidates"})
_ROLE_OF_PART = {"system-prompt": "system", "user-prompt": "user", "tool-return": "tool"}


def messages_of(value: Any) -> list[dict[str, Any]] | None:
    """The messages in a list that is nothing but messages, None for anything else."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return None
    if all("role" in item or _is_item(item) for item in value):
        return [_item(item) for item in value]
    if all(_class_role(item) is not None for item in value):
        return [part for item in value for part in _of_class(item)]
    if all(_has_kinds(item) for item in value):
        return [*_instructions(value), *(message for item in value for message in _split(item))]
    return None


def calls_of(value: Any) -> dict[str, Any] | None:
    """The assistant's message in an answer that is nothing but calls, or that keeps its calls apart from its words.

    That is a list of calls, or an object whose `tool_calls` is an object with a list of them.
    """
    if isinstance(value, list):
        calls = [_flat(call) for call in value]
        return _assistant(map(_call_part, calls)) if calls and all(map(_is_whole_call, calls)) else None
    apart = value.get("tool_calls") if isinstance(value, dict) else None
    if not isinstance(apart, dict):
        return None
    found: list[Any] = next((calls for calls in apart.values() if _is_call_list(calls)), [])
    said = value.get("message")
    text = said.get("content") if isinstance(said, dict) else said
    texts = [{"type": "text", "content": text}] if isinstance(text, str) and text else []
    return {"role": "assistant", "parts": [*texts, *map(_call_part, found)]} if texts or found else None


def reply_of(value: Any) -> dict[str, Any] | None:
    """The assistant's message in a model's answer of one of these shapes, None for anything else."""
    if not isinstance(value, dict):
        return None
    if _class_role(value) == "assistant":
        return _of_class(value)[0]
    replies = messages_of(value.get("replies"))
    if replies:
        return replies[0]
    inner = value.get("generations")
    if isinstance(inner, list) and inner:
        first = inner[0][0] if isinstance(inner[0], list) and inner[0] else inner[0]
        return reply_of(first.get("message")) if isinstance(first, dict) else None
    if _is_call_list(value.get("content")):
        return _assistant(_call_part(call) for call in value["content"])
    if _has_kinds(value):
        return _assistant(_part(part) for part in value["parts"])
    items = value.get("output")
    if isinstance(items, list) and all(isinstance(item, dict) and _is_item(item) for item in items):
        return _assistant(part for item in items for part in _item_parts(item))
    return _added(value)


def _added(value: dict[str, Any]) -> dict[str, Any] | None:
    """What a node of a graph adds to the state, where that is what a model said and nothing else."""
    added = messages_of(value.get("messages")) if not _ANSWERS.intersection(value) else None
    if not added or any(message.get("role") != "assistant" for message in added):
        return None
    return next((message for message in reversed(added) if message.get("tool_calls")), added[-1])


def _is_item(item: dict[str, Any]) -> bool:
    kind = item.get("type")
    if not isinstance(kind, str) or kind in _ITEMS:
        return isinstance(kind, str)
    return kind.endswith((_CALL, _OUTPUT)) and isinstance(item.get("call_id"), str) and "role" not in item


def _assistant(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"role": "assistant", "parts": list(parts)}


# --- chat messages, and items that name their type --------------------------------------------------------------------


def _item(item: dict[str, Any]) -> dict[str, Any]:
    if _is_item(item) and (item["type"] != "message" or isinstance(item.get("content"), list)):
        role = "tool" if item["type"].endswith(_OUTPUT) else str(item.get("role") or "assistant")
        return {"role": role, "parts": list(_item_parts(item))}
    if _has_blocks(item):
        return _of_blocks(item)
    calls, content = item.get("tool_calls"), item.get("content")
    if isinstance(calls, list) and any(isinstance(c, dict) and isinstance(c.get("function"), str) for c in calls):
        return item | {"tool_calls": [_named(call) for call in calls]}
    parts = content if isinstance(content, list) else []
    known = [_known_by_fields(part) for part in parts]
    if any(known):
        return item | {"content": [found or part for found, part in zip(known, parts, strict=True)]}
    return item


def _has_blocks(item: dict[str, Any]) -> bool:
    """Whether a message is made of blocks that name their type, what providers add being kept apart."""
    blocks = item.get("blocks")
    named = isinstance(blocks, list) and all(isinstance(each, dict) and "block_type" in each for each in blocks)
    return named and item.get("content") is None


def _of_blocks(item: dict[str, Any]) -> dict[str, Any]:
    added = item.get("additional_kwargs")
    added = added if isinstance(added, dict) else {}
    parts = [_block(block) for block in item["blocks"]]
    role = item.get("role")
    if role == "tool":
        text = "\n".join(str(part["content"]) for part in parts if part.get("content") is not None)
        return {"role": role, "parts": [_result_part(added.get("tool_call_id"), added.get("name"), text)]}
    given = added.get("tool_calls")
    calls = [_flat(call) for call in given] if isinstance(given, list) else []
    return {"role": role, "parts": [*parts, *(_call_part(call) for call in calls if _is_call(call))]}


def _block(block: dict[str, Any]) -> dict[str, Any]:
    match block["block_type"]:
        case "text":
            return {"type": "text", "content": block.get("text") or ""}
        case "thinking":
            return {"type": "reasoning", "content": block.get("content") or ""}
        case "tool_call":
            name, arguments = block.get("tool_name"), block.get("tool_kwargs", "")
            return _call_part({"id": block.get("tool_call_id"), "name": name, "arguments": arguments})
        case _:
            return {"type": "text", "content": block}


def _known_by_fields(part: Any) -> dict[str, Any] | None:
    """A call, or a result beside the call that it answers, where neither names its type."""
    if not isinstance(part, dict) or "type" in part:
        return None
    origin = part.get("origin")
    if isinstance(origin, dict) and "result" in part:
        return _result_part(origin.get("id"), origin.get("tool_name"), part["result"])
    if isinstance(part.get("tool_name"), str) and "arguments" in part:
        return _call_part({**part, "name": part["tool_name"]})
    return None


def _named(call: Any) -> Any:
    """A tool call whose `function` is the name itself."""
    if isinstance(call, dict) and isinstance(call.get("function"), str):
        return {"id": call.get("id"), "function": {"name": call["function"], "arguments": call.get("arguments", "")}}
    return call


def _given(item: dict[str, Any]) -> Any:
    """What a call was given; what is no object of arguments, such as a text or a list of actions, as one of them."""
    key = next((key for key in _GIVEN if item.get(key) is not None), "")
    given = item.get(key, "")
    return given if key in ("", "arguments") or isinstance(given, dict) else {key: given}


def _item_parts(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    call_id, name = item.get("call_id") or item.get("id"), item.get("name")
    match item.get("type"):
        case str(kind) if kind.endswith(_OUTPUT):
            yield {"type": "tool_result", "id": call_id, "name": name, "content": item.get("output")}
        case str(kind) if kind in _HOSTED:
            yield {"type": "reasoning", "content": as_text(item)}
        case str(kind) if kind.endswith(_CALL):
            yield {"type": "tool_call", "id": call_id, "name": name or kind, "arguments": _given(item)}
        case "reasoning":
            yield {"type": "reasoning", "content": item.get("summary") or item.get("content") or ""}
        case _:
            content = item.get("content")
            for part in content if isinstance(content, list) else [content]:
                if isinstance(part, dict) and part.get("type") != "refusal":
                    yield {"type": "text", "content": part.get("text", part)}
                elif part is not None:
                    yield {"type": "text", "content": part.get("refusal", "") if isinstance(part, dict) else part}


# --- messages that say by their class whose they are ------------------------------------------------------------------


def _class_role(item: Any) -> str | None:
    """The role that a message's class or type says, None for what is no message."""
    if not isinstance(item, dict) or "content" not in item:
        return None
    for name in (item.get("$type"), item.get("type")):
        word = name.rpartition(".")[2].lower() if isinstance(name, str) else ""
        role = _ROLE_OF_CLASS.get(word.removesuffix("chunk").removesuffix("message"))
        if role is not None and (name is item.get("type") or word.removesuffix("chunk").endswith("message")):
            return role
    return None


def _of_class(item: dict[str, Any]) -> list[dict[str, Any]]:
    role, content = _class_role(item) or "user", item["content"]
    if role == "tool" and isinstance(content, list) and all(isinstance(each, dict) for each in content):
        results = [(each.get("call_id"), each.get("name"), each.get("content")) for each in content]
        return [{"role": "tool", "parts": [_result_part(*result)]} for result in results]
    if role == "tool":
        return [{"role": "tool", "parts": [_result_part(item.get("tool_call_id"), item.get("name"), content)]}]
    calls = item.get("tool_calls")
    found: list[Any] = next((each for each in (content, calls) if isinstance(each, list) and _is_call_list(each)), [])
    texts = (
        [] if _is_call_list(content) or content in ("", None) else content if isinstance(content, list) else [content]
    )
    parts = [{"type": "text", "content": text.get("text", text) if isinstance(text, dict) else text} for text in texts]
    return [{"role": role, "parts": [*parts, *(_call_part(call) for call in found)]}]


def _is_call_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(call, dict) and _is_call(call) for call in value)


def _is_call(call: dict[str, Any]) -> bool:
    return isinstance(call.get("name"), str) and ("arguments" in call or "args" in call)


def _is_whole_call(call: dict[str, Any]) -> bool:
    return _is_call(call) and isinstance(call.get("id"), str)


def _flat(call: Any) -> dict[str, Any]:
    """A call whose name and arguments are in its `function`, without that."""
    if not isinstance(call, dict):
        return {}
    inner = call.get("function")
    return {**inner, "id": call.get("id")} if isinstance(inner, dict) else call


def _call_part(call: dict[str, Any]) -> dict[str, Any]:
    arguments = call.get("arguments", call.get("args", ""))
    return {"type": "tool_call", "id": call.get("id"), "name": call["name"], "arguments": arguments}


def _result_part(call_id: Any, name: Any, content: Any) -> dict[str, Any]:
    return {"type": "tool_result", "id": call_id, "name": name, "content": content}


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


def _instructions(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What requests carry beside their parts: a model is told the instructions of the last one, ahead of all else."""
    last: dict[str, Any] = next((message for message in reversed(messages) if message.get("kind") == "request"), {})
    if isinstance(last.get("instructions"), str) and last["instructions"]:
        yield {"role": "system", "parts": [{"type": "text", "content": last["instructions"]}]}


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
