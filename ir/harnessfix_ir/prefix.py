"""What two inputs begin with in common: agents resend their history, and readers share the parts of it."""

from .steps import Part

BLOCK = 512


def common_prefix(first: tuple[Part, ...], second: tuple[Part, ...]) -> int:
    """Number of leading parts that are equal; parts that are one object are compared in blocks, at memory speed."""
    length = min(len(first), len(second))
    at = 0
    while at + BLOCK <= length and first[at] is second[at] and first[at : at + BLOCK] == second[at : at + BLOCK]:
        at += BLOCK
    while at < length and (first[at] is second[at] or first[at] == second[at]):
        at += 1
    return at
