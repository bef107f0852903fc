"""What two inputs begin with in common: agents resend their history, and readers share the parts of it."""

from .steps import Part

BLOCKS = (4096, 256, 16)


def common_prefix(first: tuple[Part, ...], second: tuple[Part, ...]) -> int:
    """Number of leading parts that are equal; parts that are one object are compared in blocks, at memory speed."""
    length = min(len(first), len(second))
    at = 0
    if length > BLOCKS[-1]:
        if first[:length] == second[:length]:
            return length
        for block in BLOCKS:
            while at + block <= length and first[at : at + block] == second[at : at + block]:
                at += block
    while at < length and _equal(first[at], second[at]):
        at += 1
    return at


def _equal(one: Part, two: Part) -> bool:
    # Whether two documents are equal takes a hundred times longer to find out than whether two digests are.
    return one is two or (one.text == two.text and one == two)


def common_start(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginnings."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))
