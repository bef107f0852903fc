"""The completion hook of GenAI instrumentations: messages for our exporter alone, so that others stay content-free.

https://github.com/open-telemetry/opentelemetry-python-genai (`opentelemetry.util.genai.completion_hook`)
"""

import dataclasses
import json
from collections import OrderedDict
from threading import Lock
from typing import Any

MOST_WAITING = 2000
NAMES = {
    "system_instruction": "gen_ai.system_instructions",
    "inputs": "gen_ai.input.messages",
    "outputs": "gen_ai.output.messages",
    "tool_definitions": "gen_ai.tool.definitions",
}
_waiting: OrderedDict[tuple[int, int], dict[str, str]] = OrderedDict()
_lock = Lock()


class CompletionHook:
    """Keeps the messages of a span until it is exported."""

    def on_completion(self, *, span: Any = None, **told: Any) -> None:
        """As the protocol has it."""
        key = _key(span)
        if key is None:
            return
        messages = {NAMES[name]: json.dumps(_plain(told[name]), default=str) for name in NAMES if told.get(name)}
        with _lock:
            _waiting[key] = messages
            while len(_waiting) > MOST_WAITING:
                _waiting.popitem(last=False)


def take_messages(span: Any) -> dict[str, str]:
    """The messages of a span, once."""
    with _lock:
        return _waiting.pop(_key(span) or (0, 0), {})


def _key(span: Any) -> tuple[int, int] | None:
    context = None if span is None else span.get_span_context()
    return None if context is None else (context.trace_id, context.span_id)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
