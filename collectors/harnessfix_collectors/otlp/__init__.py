"""OTLP: spans as they come over the wire or lie in a file, before any dialect is applied."""

from .span import LogRecord, OtlpSpan, SpanEvent

__all__ = ["LogRecord", "OtlpSpan", "SpanEvent"]
