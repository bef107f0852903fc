"""Dialects: the ways in which instrumentations spell the same step; one file each, found without registration.

A dialect is recognised by the attributes that are present, never by a schema URL.
"""

from functools import cache

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.otlp import OtlpSpan

from .base import Dialect, Normal

__all__ = ["Dialect", "Normal", "all_dialects", "normalise"]


@cache
def all_dialects() -> tuple[Dialect, ...]:
    """Every dialect, the most particular first."""
    import harnessfix_collectors.dialects as package
    from harnessfix_ir.plugins import discover

    found = (dialect() for dialect in discover(package, Dialect, "harnessfix.dialects"))
    return tuple(sorted(found, key=lambda dialect: (-dialect.priority, dialect.name)))


def normalise(span: OtlpSpan, pool: MessagePool) -> Normal:
    """What a span says in our vocabulary, by the first dialect that recognises it. Texts go into `pool`."""
    dialect = next(dialect for dialect in all_dialects() if dialect.recognises(span))
    return dialect.normalise(span, pool)
