"""Lists of messages in the shapes that are about, as parts.

OpenAI's chat completions and Responses items, Anthropic's blocks, those of Bedrock's Converse, Gemini's parts, GenAI's
`parts`, the Vercel AI SDK's content, LangChain's serialised messages. An item of a shape that none of them has becomes
the text of its JSON.
"""

from collections.abc import Iterator
from typing import Any

from harnessfix_ir.steps import Part
from harnessfix_ir.texts import TextPool

from .values import as_text, mapping, name_of, objects

ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "developer": "system", "function": "tool"}
CALLS = frozenset(
    [
        "tool_call",
        "tool_use",
        "server_tool_call",
        "server_tool_use",
        "mcp_tool_use",
        "function_call",
        "custom_tool_call",
        "local_shell_call",
        "web_search_call",
        "file_search_call",
        "computer_call",
        "mcp_call",
    ]
)
RESULTS = frozenset(
    [
        "tool_call_response",
        "tool_result",
        "tool_response",
        "server_tool_call_response",
        "web_search_tool_result",
        "mcp_tool_result",
        "function_call_output",
        "custom_tool_call_output",
        "local_shell_call_output",
        "computer_call_output",
    ]
)
REASONING = frozenset(["reasoning", "thinking", "redacted_thinking", "thought"])
# Blocks that have one key, and all else below it: Gemini's, and those of Bedrock's Converse.
NESTED = {
    "function_call": "tool_call",
    "functionCall": "tool_call",
    "toolUse": "tool_call",
    "function_response": "tool_result",
    "functionResponse": "tool_result",
    "toolResult": "tool_result",
    "reasoningContent": "reasoning",
}
CALL_ID_NAMES = ("call_id", "tool_use_id", "tool_call_id", "toolCallId", "toolUseId", "callId")
LANGCHAIN = {"HumanMessage": "user", "AIMessage": "assistant", "SystemMessage": "system", "ToolMessage": "tool"}


def message_parts(messages: Any, pool: TextPool, role: str = "user") -> Iterator[Part]:
    """Parts of a list of messages.

    Args:
        messages: parsed JSON: a list, a single message, or a plain text.
        pool: where texts go.
        role: whose a message is that does not say it.
    """
    if isinstance(messages, str):
        if messages:
            yield Part(role=role, text=pool.put(messages))
        return
    for message in messages if isinstance(messages, list) else [messages]:
        if isinstance(message, list):
            yield from message_parts(message, pool, role)  # LangChain sends one list per prompt of a batch
        elif isinstance(message, str):
            yield Part(role=role, text=pool.put(message))
        elif isinstance(message, dict):
            yield from _message(message, pool, role)


def _message(message: dict[str, Any], pool: TextPool, otherwise: str) -> Iterator[Part]:
    message, known = _unwrapped(message)
    kind = _kind(message)
    role = (
        role_of(message.get("role") or known or (kind if kind in ROLES or kind in ROLES.values() else "")) or otherwise
    )
    if kind in CALLS | RESULTS | REASONING:
        yield from _content(role, message, pool)
        return
    for key in ("reasoning_content", "reasoning", "thinking"):
        if isinstance(message.get(key), str) and message[key]:
            yield Part(role=role, text=pool.put(message[key]), kind="reasoning")
            break
    own_id = message.get("id") if role == "tool" else None
    call_id = name_of(message.get("tool_call_id") or message.get("toolCallId") or own_id)
    content = next((message[key] for key in ("parts", "content", "contents") if message.get(key) is not None), None)
    if isinstance(content, str):
        kind = "tool_result" if role == "tool" else "text"
        if content or not message.get("tool_calls"):
            name = name_of(message.get("name"))
            text = _with_failure(content, message) if role == "tool" else content
            yield Part(role=role, text=pool.put(text), kind=kind, call_id=call_id, name=name)
    elif isinstance(content, dict):
        yield from _content(role, content, pool)
    elif isinstance(content, list):
        if role == "tool" and not any(_kind(item) in RESULTS or _nested(item) for item in objects(content)):
            name = name_of(message.get("name"))
            text = _with_failure(result_text(content), message)
            yield Part(role=role, text=pool.put(text), kind="tool_result", call_id=call_id, name=name)
        else:
            for item in content:
                yield from _content(role, item, pool)
    elif content is None and "text" in message:
        yield Part(role=role, text=pool.put(as_text(message["text"])))
    yield from _calls(role, message, pool)


def _with_failure(text: str, message: dict[str, Any]) -> str:
    """A tool's answer with the failure that stands beside it, as in Inspect's messages: the model is sent both."""
    error = message.get("error")
    said = error.get("message") if isinstance(error, dict) else error
    return "\n".join(filter(None, (text, said))) if isinstance(said, str) else text


def _unwrapped(message: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The message itself, and the role that its wrapping says."""
    if isinstance(message.get("kwargs"), dict) and isinstance(message.get("id"), list):
        kind = str(message["id"][-1]) if message["id"] else ""
        return message["kwargs"], LANGCHAIN.get(kind.removesuffix("Chunk"), "")
    inner = message.get("message")
    if isinstance(inner, dict) and "content" not in message and "parts" not in message:
        return inner, str(message.get("role") or "")
    return message, ""


def _calls(role: str, message: dict[str, Any], pool: TextPool) -> Iterator[Part]:
    for key in ("tool_calls", "toolCalls", "function_call"):
        found = message.get(key)
        for call in [found] if isinstance(found, dict) else objects(found):
            yield _call(role, mapping(call.get("tool_call")) or call, pool)
        if found:
            return


def _content(role: str, item: Any, pool: TextPool) -> Iterator[Part]:
    if not isinstance(item, dict):
        if item not in (None, ""):
            yield Part(role=role, text=pool.put(as_text(item)))
        return
    item = mapping(item.get("message_content")) or item
    kind = _kind(item)
    nested = _nested(item)
    if nested:
        kind, item = NESTED[nested], item[nested]
    if kind in CALLS:
        yield _call(role, item, pool)
    elif kind in RESULTS:
        yield _result(item, pool)
    elif kind in REASONING or item.get("thought") is True:
        for text in _reasoning(item):
            yield Part(role=role, text=pool.put(text), kind="reasoning")
    else:
        said = next((item[key] for key in ("content", "text", "refusal") if isinstance(item.get(key), str)), None)
        yield Part(role=role, text=pool.put(as_text(item) if said is None else said))


def _reasoning(item: dict[str, Any]) -> Iterator[str]:
    item = mapping(item.get("reasoningText")) or item
    for key in ("content", "thinking", "text", "reasoning", "summary", "redactedContent"):
        value = item.get(key)
        if isinstance(value, str) and value:
            yield value
            return
        texts = [each["text"] for each in objects(value) if isinstance(each.get("text"), str)]
        if texts:
            yield from texts
            return


def _call(role: str, call: dict[str, Any], pool: TextPool) -> Part:
    function = mapping(call.get("function")) or call
    keys = ("arguments", "args", "input", "action")
    arguments = next((function[key] for key in keys if function.get(key) is not None), "")
    name = function.get("name") or function.get("toolName") or function.get("function")
    return Part(
        role=role,
        text=pool.put(as_text(arguments)),
        kind="tool_call",
        name=name_of(name) or name_of(call.get("type")),
        call_id=call_id_of(call),
    )


def _result(item: dict[str, Any], pool: TextPool) -> Part:
    keys = ("response", "result", "output", "content")
    result = next((item[key] for key in keys if item.get(key) is not None), "")
    name = name_of(item.get("name") or item.get("toolName"))
    return Part(
        role="tool", text=pool.put(result_text(result)), kind="tool_result", call_id=call_id_of(item), name=name
    )


def result_text(result: Any) -> str:
    """A tool's result as text: the texts of its blocks where it consists of text blocks, else its JSON."""
    if isinstance(result, dict) and set(result) <= {"type", "text", "value"}:
        result = result.get("text", result.get("value"))
    if isinstance(result, list) and result:
        texts = [item.get("text") for item in result if isinstance(item, dict)]
        if len(texts) == len(result) and all(isinstance(text, str) for text in texts):
            return "\n".join(str(text) for text in texts)
    return as_text(result)


def call_id_of(item: dict[str, Any]) -> str | None:
    """The id by which a call and its result find each other."""
    return next((name for key in (*CALL_ID_NAMES, "id") if (name := name_of(item.get(key)))), None)


def role_of(value: Any) -> str:
    """A role in our words; any other stays as it is."""
    name = value.lower() if isinstance(value, str) else ""
    return ROLES.get(name, name)


def _nested(item: dict[str, Any]) -> str:
    """The one key of a block that has all else below it; empty where it says its kind, or has no such key."""
    return "" if _kind(item) else next((key for key in NESTED if isinstance(item.get(key), dict)), "")


def _kind(item: dict[str, Any]) -> str:
    kind = item.get("type")
    return kind.replace("-", "_") if isinstance(kind, str) else ""
