"""What a dialect is, and the helpers that all of them need."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_collectors.values import as_text, parse_json
from harnessfix_ir.document import JsonValue
from harnessfix_ir.steps import Part, Usage
from harnessfix_ir.vocabulary import StepKind

__all__ = ["Dialect", "Normal", "as_text", "finish_reason", "message_parts", "parse_json", "usage_of"]

REDACTED = ("<REDACTED>", "__REDACTED__", "details are redacted")


@dataclass
class Normal:
    """A span in our vocabulary; fields as in `TraceStep`.

    `used` names the attributes that were read: what of them is not in the parts stays with the step. `error` is the
    message of an error that the span's status does not tell.
    """

    kind: StepKind
    name: str
    agent: str | None = None
    input: list[Part] = field(default_factory=list)
    output: list[Part] = field(default_factory=list)
    finish_reason: str | None = None
    usage: Usage | None = None
    used: set[str] = field(default_factory=set)
    error: str | None = None
    response_id: str | None = None

    def take_messages(self, span: OtlpSpan, pool: MessagePool, side: str, *keys: str, role: str = "user") -> bool:
        """Read the first of these attributes that is present as messages; `side` is `input` or `output`."""
        key = _present(span, keys)
        if key is None:
            return False
        parsed = pool.parse(span.attributes[key])
        if isinstance(parsed, dict) and isinstance(parsed.get("messages"), list):
            parsed = parsed["messages"]
        self.side(side).extend(pool.parts_of(parsed, role))
        self.used.add(key)
        return True

    def take_value(
        self, span: OtlpSpan, pool: MessagePool, side: str, *keys: str, role: str, call_id: str | None = None
    ) -> bool:
        """Read the first of these attributes that is present as one text."""
        key = _present(span, keys)
        if key is None:
            return False
        text = pool.put(as_text(span.attributes[key]))
        self.side(side).append(Part(role=role, text=text, name=self.name, call_id=call_id))
        self.used.add(key)
        return True

    def side(self, side: str) -> list[Part]:
        """`input` or `output`."""
        return self.input if side == "input" else self.output


class Dialect(ABC):
    """One way of spelling. `priority`: a more particular dialect is asked first."""

    name: ClassVar[str]
    priority: ClassVar[int] = 0

    @abstractmethod
    def recognises(self, span: OtlpSpan) -> bool:
        """Whether the span's attributes are of this dialect."""

    @abstractmethod
    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """The span in our vocabulary."""


def finish_reason(value: Any) -> str | None:
    """A provider's finish reason in the words of GenAI: `tool_calls` becomes `tool_call`; the first of a list."""
    if isinstance(value, str) and value.startswith("["):
        value = parse_json(value)
    if isinstance(value, list):
        return finish_reason(value[0]) if value else None
    if not isinstance(value, str) or not value:
        return None
    plain = value.lower().replace("-", "_")
    return {
        "tool_calls": "tool_call",
        "tool_use": "tool_call",
        "function_call": "tool_call",
        "function_calls": "tool_call",
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "model_length": "length",
    }.get(plain, plain)


def usage_of(
    span: OtlpSpan,
    inputs: Iterable[str],
    outputs: Iterable[str],
    cached: Iterable[str] = (),
    reasoning: Iterable[str] = (),
) -> Usage | None:
    """Token usage from the first present attribute of each list, None when there is none."""
    usage = Usage(
        input_tokens=span.number(*inputs),
        output_tokens=span.number(*outputs),
        cached_tokens=span.number(*cached),
        reasoning_tokens=span.number(*reasoning),
    )
    return usage if usage.input_tokens is not None or usage.output_tokens is not None else None


def unflatten(attributes: dict[str, JsonValue], prefix: str) -> tuple[Any, set[str]]:
    """Dotted keys below `prefix` as nested objects, numbered ones as lists in order; and the keys that were read.

    `llm.input_messages.0.message.role` below `llm.input_messages.` becomes `[{"message": {"role": …}}]`.
    """
    tree: dict[str, Any] = {}
    keys: set[str] = set()
    for key, value in attributes.items():
        if not key.startswith(prefix):
            continue
        keys.add(key)
        *parents, last = key[len(prefix) :].split(".", 12)
        node = tree
        for parent in parents:
            inner = node.setdefault(parent, {})
            if not isinstance(inner, dict):
                inner = node[parent] = {"": inner}
            node = inner
        node[last] = value
    return _with_lists(tree), keys


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() for key in node):
        return [_with_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _with_lists(value) for key, value in node.items()}


def _present(span: OtlpSpan, keys: Iterable[str]) -> str | None:
    return next((key for key in keys if span.attributes.get(key) not in (None, "")), None)
