"""What a dialect is, and the helpers that all of them need."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_ir.document import JsonValue
from harnessfix_ir.steps import Part, Usage
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import StepKind

REDACTED = ("<REDACTED>", "__REDACTED__", "details are redacted")


@dataclass
class Normal:
    """A span in our vocabulary; fields as in `TraceStep`. `used` names the attributes whose texts are in the parts."""

    kind: StepKind
    name: str
    agent: str | None = None
    input: list[Part] = field(default_factory=list)
    output: list[Part] = field(default_factory=list)
    finish_reason: str | None = None
    usage: Usage | None = None
    used: set[str] = field(default_factory=set)


class Dialect(ABC):
    """One way of spelling. `priority`: a more particular dialect is asked first."""

    name: ClassVar[str]
    priority: ClassVar[int] = 0

    @abstractmethod
    def recognises(self, span: OtlpSpan) -> bool:
        """Whether the span's attributes are of this dialect."""

    @abstractmethod
    def normalise(self, span: OtlpSpan, pool: TextPool) -> Normal:
        """The span in our vocabulary."""


def finish_reason(value: JsonValue) -> str | None:
    """A provider's finish reason in the words of GenAI: `tool_calls` becomes `tool_call`; the first of a list."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, str) and value.startswith("["):
        return finish_reason(parse_json(value))
    if not isinstance(value, str) or not value:
        return None
    return {"tool_calls": "tool_call", "function_call": "tool_call", "end_turn": "stop", "max_tokens": "length"}.get(
        value, value
    )


def usage_of(span: OtlpSpan, inputs: Iterable[str], outputs: Iterable[str], cached: Iterable[str] = ()) -> Usage | None:
    """Token usage from the first present attribute of each list, None when there is none."""
    usage = Usage(
        input_tokens=span.number(*inputs), output_tokens=span.number(*outputs), cached_tokens=span.number(*cached)
    )
    return usage if usage.input_tokens is not None or usage.output_tokens is not None else None


def parse_json(text: JsonValue) -> Any:
    """`text` parsed as JSON, or itself when it is no string or no JSON."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def as_text(value: Any) -> str:
    """A value as the text that stands for it: a string as it is, anything else as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def message_parts(messages: Any, pool: TextPool) -> Iterator[Part]:
    """Parts of a list of messages in the shapes that are about: OpenAI's, Anthropic's and GenAI's `parts`.

    Args:
        messages: parsed JSON; a single message, or a plain text (taken for the user's), is accepted too.
        pool: where texts go.
    """
    if isinstance(messages, str):
        yield Part(role="user", text=pool.put(messages))
        return
    for message in messages if isinstance(messages, list) else [messages]:
        if isinstance(message, dict):
            yield from _message(message, pool)


def _message(message: dict[str, Any], pool: TextPool) -> Iterator[Part]:
    role = str(message.get("role") or "user")
    call_id = message.get("tool_call_id") or message.get("id")
    content = message.get("parts", message.get("content", message.get("contents")))
    if isinstance(content, str):
        kind = "tool_result" if role == "tool" else "text"
        yield Part(
            role=role, text=pool.put(content), kind=kind, call_id=_name(call_id), name=_name(message.get("name"))
        )
    elif isinstance(content, list):
        for item in content:
            yield from _content(role, item, pool)
    for call in message.get("tool_calls") or ():
        if isinstance(call, dict):
            yield _tool_call(role, call.get("tool_call", call), pool)


def _content(role: str, item: Any, pool: TextPool) -> Iterator[Part]:
    if not isinstance(item, dict):
        yield Part(role=role, text=pool.put(as_text(item)))
        return
    item = item.get("message_content", item)
    match item.get("type"):
        case "tool_call" | "tool_use" | "server_tool_call":
            yield _tool_call(role, item, pool)
        case "tool_call_response" | "tool_result":
            result = item.get("response", item.get("result", item.get("content")))
            call_id = _name(item.get("id") or item.get("tool_use_id"))
            yield Part(
                role="tool",
                text=pool.put(as_text(result)),
                kind="tool_result",
                call_id=call_id,
                name=_name(item.get("name")),
            )
        case "reasoning" | "thinking":
            yield Part(role=role, text=pool.put(as_text(item.get("content", item.get("thinking")))), kind="reasoning")
        case _:
            yield Part(role=role, text=pool.put(as_text(item.get("content", item.get("text", item)))))


def _tool_call(role: str, call: dict[str, Any], pool: TextPool) -> Part:
    function = call.get("function") if isinstance(call.get("function"), dict) else call
    arguments = function.get("arguments", function.get("input", ""))  # type: ignore[union-attr]
    return Part(
        role=role,
        text=pool.put(as_text(arguments)),
        kind="tool_call",
        name=_name(function.get("name")),  # type: ignore[union-attr]
        call_id=_name(call.get("id")),
    )


def _name(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None
