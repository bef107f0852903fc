"""OTLP: spans as they come over the wire or lie in a file, before any dialect is applied."""

from .span import OtlpSpan, SpanEvent

__all__ = ["OtlpSpan", "SpanEvent"]
