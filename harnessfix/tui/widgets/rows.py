"""A table of any length: one line a row, columns that share the width."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual.content import Content
from textual.message import Message

from .cursor_view import CursorView

Item = TypeVar("Item")


@dataclass(frozen=True)
class Column:
    """A column: `width` cells, or with 0 a share of what is left, at least `least`; `end` keeps the end."""

    title: str
    width: int = 0
    share: int = 1
    right: bool = False
    least: int = 8
    end: bool = False


class Rows(CursorView, Generic[Item]):
    """Rows under a heading that stays.

    Args:
        columns: from left to right; those on the right are left out where there is no room.
        cells: turns an item into one `Content` per column.
        empty: said when there are no rows.
    """

    HEAD: ClassVar[int] = 1

    class Opened(Message):
        """A row was chosen."""

        def __init__(self, rows: "Rows[Any]", item: Any) -> None:
            super().__init__()
            self.rows, self.item = rows, item

        @property
        def control(self) -> "Rows[Any]":
            """The table, for selectors."""
            return self.rows

    class Moved(Opened):
        """The cursor is on another row."""

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[Item], Sequence[Content]],
        *,
        empty: str = "nothing here",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.items: Sequence[Item] = ()
        self.columns, self.cells, self.empty = columns, cells, empty
        self._sizes: list[int] = []

    def fill(self, items: Sequence[Item], cursor: int = 0) -> None:
        """Show these items, the cursor on one of them."""
        self.items = items
        self.scroll_to(0, 0, animate=False, force=True)
        self.relay()
        self.place_cursor(cursor)

    @property
    def current(self) -> Item | None:
        """The item under the cursor."""
        return self.items[self.cursor] if self.items else None

    def moved(self, index: int) -> None:
        """Tell the screen."""
        self.post_message(self.Moved(self, self.items[index]))

    def opened(self, index: int) -> None:
        """Tell the screen."""
        self.post_message(self.Opened(self, self.items[index]))

    def row_count(self) -> int:
        """One for each item."""
        return len(self.items)

    def line_count(self) -> int:
        """A line says so when there are no rows."""
        return super().line_count() + (not self.items)

    def relay(self) -> None:
        """Widths may have changed."""
        self._sizes = self._share_out(self.view_width)
        super().relay()

    def head(self) -> Content:
        """The titles."""
        return self._joined([Content(column.title) for column in self.columns])

    def row(self, index: int) -> Content:
        """The cells of one item."""
        return self._joined(self.cells(self.items[index])) if self.items else Content.styled(self.empty, "dim")

    def _joined(self, cells: Sequence[Content]) -> Content:
        fitted = (_fit(cell, size, column) for cell, size, column in zip(cells, self._sizes, self.columns) if size)
        return Content("  ").join(fitted)

    def _share_out(self, width: int) -> list[int]:
        shown = list(self.columns)
        while len(shown) > 1 and sum(c.width or c.least for c in shown) + 2 * (len(shown) - 1) > width:
            shown.pop()
        left = max(0, width - 2 * (len(shown) - 1) - sum(c.width for c in shown))
        shares = sum(c.share for c in shown if not c.width)
        sizes = [c.width or max(1, left * c.share // max(1, shares)) for c in shown]
        return sizes + [0] * (len(self.columns) - len(shown))


def _fit(cell: Content, size: int, column: Column) -> Content:
    if column.end and cell.cell_length > size:
        cell = Content("…") + cell[-(size - 1) :]
    cell = cell.truncate(size, ellipsis=True)
    spare = max(0, size - cell.cell_length)
    return cell.pad_left(spare) if column.right else cell.pad_right(spare)
