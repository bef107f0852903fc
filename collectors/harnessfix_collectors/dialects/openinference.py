"""OpenInference (Arize): `openinference.span.kind` and flattened messages.

https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
"""

import re
from typing import Any

from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_ir.document import JsonValue
from harnessfix_ir.steps import Part
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal, as_text, finish_reason, message_parts, parse_json, usage_of

KINDS = {
    "LLM": StepKind.MODEL_CALL,
    "TOOL": StepKind.TOOL_CALL,
    "AGENT": StepKind.TASK,
    "CHAIN": StepKind.LIFECYCLE,
    "RETRIEVER": StepKind.RETRIEVAL,
    "RERANKER": StepKind.RETRIEVAL,
    "EMBEDDING": StepKind.RETRIEVAL,
    "GUARDRAIL": StepKind.GUARD,
    "EVALUATOR": StepKind.VERIFY,
    "PROMPT": StepKind.CONTEXT_BUILD,
}
_FLAT = re.compile(r"^llm\.(input|output)_messages\.(\d+)\.message\.(.+)$")
_INDEX = re.compile(r"^(contents|tool_calls)\.(\d+)\.(.+)$")


class OpenInference(Dialect):
    """Wins over GenAI attributes on the same span: those may then hold the tool's schema for its arguments."""

    name = "openinference"
    priority = 20

    def recognises(self, span: OtlpSpan) -> bool:
        """By `openinference.span.kind`."""
        return "openinference.span.kind" in span.attributes

    def normalise(self, span: OtlpSpan, pool: TextPool) -> Normal:
        """Kind by span kind; messages un-flattened; input.value and output.value for everything else."""
        kind = KINDS.get((span.text("openinference.span.kind") or "").upper(), StepKind.LIFECYCLE)
        normal = Normal(kind, span.name, agent=span.text("agent.name", "graph.node.id"))
        if kind is StepKind.TOOL_CALL:
            normal.name = span.text("tool.name") or span.name
        if kind is StepKind.MODEL_CALL:
            for side, parts in (("input", normal.input), ("output", normal.output)):
                messages, keys = _unflatten(span.attributes, side)
                parts.extend(message_parts(messages, pool))
                normal.used |= keys
            normal.usage = usage_of(
                span,
                ("llm.token_count.prompt",),
                ("llm.token_count.completion",),
                ("llm.token_count.prompt_details.cache_read",),
            )
            normal.finish_reason = finish_reason(span.attributes.get("llm.finish_reason"))
        _values(span, normal, pool)
        return normal


def _values(span: OtlpSpan, normal: Normal, pool: TextPool) -> None:
    roles = ("arguments", "result") if normal.kind is StepKind.TOOL_CALL else ("value", "value")
    for parts, key, role in ((normal.input, "input.value", roles[0]), (normal.output, "output.value", roles[1])):
        value = span.attributes.get(key)
        if parts or value is None:
            continue
        parsed = parse_json(value) if normal.kind is StepKind.MODEL_CALL else None
        if isinstance(parsed, dict) and isinstance(parsed.get("messages"), list):
            parts.extend(message_parts(parsed["messages"], pool))
        else:
            call_id = span.text("tool_call.id", "tool.id")
            parts.append(Part(role=role, text=pool.put(as_text(value)), name=normal.name, call_id=call_id))
        normal.used.add(key)


def _unflatten(attributes: dict[str, JsonValue], side: str) -> tuple[list[dict[str, Any]], set[str]]:
    messages: dict[int, dict[str, Any]] = {}
    keys: set[str] = set()
    for key, value in attributes.items():
        match = _FLAT.match(key)
        if match is None or match[1] != side:
            continue
        keys.add(key)
        message = messages.setdefault(int(match[2]), {})
        nested = _INDEX.match(match[3])
        if nested is None:
            message[match[3]] = value
        else:
            items = message.setdefault(nested[1], {})
            _set(items.setdefault(int(nested[2]), {}), nested[3], value)
    for message in messages.values():
        for name in ("contents", "tool_calls"):
            if name in message:
                message[name] = [item for _, item in sorted(message[name].items())]
    return [message for _, message in sorted(messages.items())], keys


def _set(item: dict[str, Any], path: str, value: JsonValue) -> None:
    *parents, last = [part for part in path.split(".") if part not in ("tool_call", "message_content")]
    for parent in parents:
        nested = item.setdefault(parent, {})
        item = nested if isinstance(nested, dict) else {}
    item[last] = value
