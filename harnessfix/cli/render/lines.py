"""Rows of cells, each on one line: for long lists, since a table of rich takes a millisecond for each row."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

GAP = 2


@dataclass(frozen=True)
class Column:
    """How a column looks.

    Args:
        least, most: terminal columns that it takes.
        style: of cells that bring none.
        right: whether cells stand at its right end.
    """

    least: int = 1
    most: int = 10_000
    style: str = ""
    right: bool = False


class Lines:
    """Rows that are as wide as their widest cells; what does not fit is cut with an ellipsis, the widest columns first.

    Args:
        columns: from left to right.
    """

    def __init__(self, *columns: Column) -> None:
        self._columns = columns
        self._rows: list[list[tuple[Text, int]]] = []  # cells, and how wide they are

    def add(self, *cells: str | Text) -> None:
        """One row; strings are plain text, never markup."""
        row = [_on_one_line(cell, column.style) for cell, column in zip(cells, self._columns, strict=True)]
        self._rows.append([(cell, cell.cell_len) for cell in row])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The rows, without blanks at their ends."""
        widths = self._widths(options.max_width)
        line = Segment.line()
        for row in self._rows:
            space = 0
            for (cell, taken), column, width in zip(row, self._columns, widths):
                if taken > width:
                    cell, taken = cell.copy(), width
                    cell.truncate(width, overflow="ellipsis")
                before = width - taken if column.right else 0
                if taken and space + before:
                    yield Segment(" " * (space + before))
                yield from _segments(cell, console)
                space = (0 if taken else space + before) + GAP + width - taken - before
            yield line

    def _widths(self, most: int) -> list[int]:
        """Of the columns, so that all fit into a line."""
        widths = [
            min(max(column.least, max((row[at][1] for row in self._rows), default=0)), column.most)
            for at, column in enumerate(self._columns)
        ]
        over = sum(widths) + GAP * (len(widths) - 1) - most
        while over > 0 and max(widths) > 1:
            widest = widths.index(max(widths))
            second = max((width for at, width in enumerate(widths) if at != widest), default=1)
            less = min(over, max(widths[widest] - max(second, 1), 1))
            widths[widest], over = widths[widest] - less, over - less
        return widths


def _segments(cell: Text, console: Console) -> Iterator[Segment]:
    for segment in cell.render(console):
        if segment.text:
            yield segment


def _on_one_line(cell: str | Text, style: str) -> Text:
    text = Text(cell, style=style, end="") if isinstance(cell, str) else cell
    text.end = ""
    if "\t" in text.plain:
        text.expand_tabs(1)
    return Text(" ", end="").join(text.split("\n")) if "\n" in text.plain else text
