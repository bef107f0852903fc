"""Where a line of text breaks: linear in its length, whatever it holds."""

from collections.abc import Iterator

from rich.cells import cell_len


def breaks(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Pieces of `text` as (start, end) that fit `width` cells, broken after spaces where there are any.

    Args:
        text: one line, harmless to show.
        width: cells, at least 1.
    """
    if len(text) <= width and (text.isascii() or cell_len(text) <= width):
        yield 0, len(text)
        return
    start = 0
    while start < len(text):
        end = _fit(text, start, width)
        if end < len(text):
            space = text.rfind(" ", start + width // 2, end + 1)
            end = space + 1 if space > start else end
        yield start, end
        start = end


def _fit(text: str, start: int, width: int) -> int:
    """The end of the longest piece from `start` that fits; at least one character."""
    end = min(len(text), start + width)
    piece = text[start:end]
    if piece.isascii():
        return end
    while end > start + 1 and cell_len(text[start:end]) > width:
        over = cell_len(text[start:end]) - width
        end = max(start + 1, end - max(1, over // 2))
    return end
