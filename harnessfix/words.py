"""Words that follow numbers."""


def counted(number: int, noun: str) -> str:
    """`1 run`, `1,200 runs`. The plural is made with an s."""
    return f"{number:,} {noun}{'s' if number != 1 else ''}"
