"""What two inputs begin with in common: agents resend their history, and readers share the parts of it."""

from .steps import Part

BLOCKS = (4096, 256, 16, 1)


def common_prefix(first: tuple[Part, ...], second: tuple[Part, ...]) -> int:
    """Number of leading parts that are equal; parts that are one object are compared in blocks, at memory speed."""
    length = min(len(first), len(second))
    if first[:length] == second[:length]:
        return length
    at = 0
    for block in BLOCKS:
        while at + block <= length and first[at : at + block] == second[at : at + block]:
            at += block
    return at
