"""A span that came twice: sent again by a client that heard no answer, or told more of since the first time."""

from dataclasses import replace

from .span import OtlpSpan

DIFFERENTLY = "told_differently"
"""Where of a span that came twice what the record that does not count says differently is kept."""


def one_of(first: OtlpSpan, second: OtlpSpan) -> OtlpSpan:
    """The span that two records of one id are: of the one that ended, else of the first, with what only the other has.

    Args:
        first, second: in the order in which they came.
    """
    if first == second:
        return first
    keep, other = (second, first) if first.end_ns is None and second.end_ns is not None else (first, second)
    told = {
        key: value
        for key, value in other.attributes.items()
        if key in keep.attributes and keep.attributes[key] != value
    }
    for name in ("name", "status_message"):
        if getattr(other, name) not in ("", getattr(keep, name)):
            told[name] = getattr(other, name)
    differ = f"two records of this span differ: what the other says is kept as {DIFFERENTLY}"
    return replace(
        keep,
        dropped=(*keep.dropped, differ) if told and differ not in keep.dropped else keep.dropped,
        attributes={**other.attributes, **keep.attributes},
        events=(*keep.events, *(event for event in other.events if event not in keep.events)),
        extra={**other.extra, **keep.extra, **({DIFFERENTLY: told} if told else {})},
    )
