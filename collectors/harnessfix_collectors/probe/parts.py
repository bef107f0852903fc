"""Arguments and results of recorded functions as parts: messages where they are messages, named values otherwise."""

from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.dialects.base import as_text, finish_reason, message_parts
from harnessfix_ir.steps import Part, Usage
from harnessfix_ir.texts import TextPool

from .shapes import calls_of, messages_of, reply_of

PROMPT_NAMES = ("prompt", "text", "query", "question", "input", "message", "content")
MOST_KEYS = 12
DEEP = 5


def model_input(arguments: dict[str, Any], pool: TextPool) -> tuple[list[Part], dict[str, Any]]:
    """Parts of a request, and the arguments that are no messages.

    Args:
        arguments: of the function that asks the model, expanded.
        pool: where texts go.
    """
    rest = {name: value for name, value in arguments.items() if name != "self"}
    name = next((name for name, value in rest.items() if messages_of(value) is not None), None)
    if name is None:
        name = next((name for name in PROMPT_NAMES if isinstance(rest.get(name), str)), None)
    if name is None:
        nested = {key: value for value in rest.values() if isinstance(value, dict) for key, value in value.items()}
        found = next((messages for value in nested.values() if (messages := messages_of(value)) is not None), None)
        if found is not None:
            return list(message_parts(found, pool)), rest
        return list(named_parts("value", rest, pool)), {}
    given = rest.pop(name)
    return list(message_parts(messages_of(given) or given, pool)), rest


def model_output(value: Any, pool: TextPool) -> list[Part]:
    """Parts of what a model answered, in whatever shape the harness hands it on."""
    message = calls_of(value) or reply_of(value) or _message(value)
    if message is not None:
        return [part.model_copy(update={"role": "assistant"}) for part in message_parts([message], pool)]
    if isinstance(value, str):
        return [Part(role="assistant", text=pool.put(value))]
    messages = messages_of(value)
    if messages is not None:
        return list(message_parts(messages, pool))
    if isinstance(value, list) and value and isinstance(value[0], str | dict):
        first = model_output(value[0], pool)
        return [*first, *(Part(role="value", text=pool.put(as_text(rest))) for rest in value[1:] if rest is not None)]
    return [Part(role="assistant", text=pool.put(as_text(value)))] if value is not None else []


def asks_something(arguments: dict[str, Any], value: Any) -> bool:
    """Whether a call that is given no messages may be one of a model: it is given a prompt and answers with words."""
    prompt = any(isinstance(arguments.get(name), str) for name in (*PROMPT_NAMES, "0"))
    reply = isinstance(value, str) or reply_of(value) is not None or _message(value) is not None
    return prompt and reply


def _message(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    choices = value.get("choices")
    if isinstance(choices, list):
        first = choices[0] if choices and isinstance(choices[0], dict) else {}
        inner = first.get("message", first.get("delta"))
        return _assistant(inner) if isinstance(inner, dict) else None
    if isinstance(value.get("message"), dict) and not value.get("tool_calls"):
        return _assistant(value["message"])
    if any(key in value for key in ("content", "tool_calls", "parts")):
        return _assistant(value)
    text = next(
        (value[key] for key in ("text", "output_text", "completion", "response") if isinstance(value.get(key), str)),
        None,
    )
    return None if text is None else {"role": "assistant", "content": text}


def _assistant(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, dict) and isinstance(content.get("parts"), list):
        message = message | {"content": None, "parts": content["parts"]}
    told = ("content", "parts", "blocks", "additional_kwargs", "tool_calls")
    kept = {key: message[key] for key in told if message.get(key) is not None}
    return (messages_of([{"role": "assistant", **kept}]) or [{}])[0]


def named_parts(role: str, values: dict[str, Any], pool: TextPool) -> Iterator[Part]:
    """One part per named value, so that each keeps its own text."""
    for name, value in values.items():
        if name == "self" or name == "$type" or value is None:
            continue
        messages = messages_of(value)
        if messages is not None:  # by message, or a history would be a new text in every step
            yield from message_parts(messages, pool)
        else:
            yield Part(role=role, text=pool.put(as_text(value)), name=name)


def result_parts(value: Any, pool: TextPool) -> list[Part]:
    """A result: messages and a record's fields apart, anything else whole."""
    if value is None:
        return []
    messages = messages_of(value)
    if messages is not None:
        return list(message_parts(messages, pool))
    if isinstance(value, dict) and len(value) <= MOST_KEYS and any(isinstance(item, str) for item in value.values()):
        return list(named_parts("result", value, pool))
    return [Part(role="result", text=pool.put(as_text(value)))]


def finish_of(value: Any) -> str | None:
    """The finish reason somewhere in an answer, None when it holds none."""
    return next(
        (found for key in ("finish_reason", "stop_reason") if (found := finish_reason(_find(value, key, 0)))), None
    )


def usage_of(value: Any) -> Usage | None:
    """Token counts somewhere in an answer."""
    usage = _find(value, "usage", 0)
    if not isinstance(usage, dict):
        return None

    def count(*names: str) -> int | None:
        return next((usage[name] for name in names if type(usage.get(name)) is int), None)

    found = Usage(
        input_tokens=count("prompt_tokens", "input_tokens"), output_tokens=count("completion_tokens", "output_tokens")
    )
    return found if found.input_tokens is not None or found.output_tokens is not None else None


def _find(value: Any, key: str, depth: int) -> Any:
    if depth > DEEP:
        return None
    if isinstance(value, dict):
        if value.get(key) is not None:
            return value[key]
        value = [item for item in value.values() if isinstance(item, dict | list)]
    if isinstance(value, list):
        for item in value[:20]:
            found = _find(item, key, depth + 1) if isinstance(item, dict | list) else None
            if found is not None:
                return found
    return None
