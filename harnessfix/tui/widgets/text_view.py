"""A read-only view of text: wrapped to the width, long texts cut with a note that says how much is left."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from harnessfix.tui.source_file import shown

from .line_view import LineView
from .wrap import breaks

SHOWN = 6_000
"""Characters of one text that are shown at first."""
FIRST, LAST = 6, 34
"""Of more blocks than these together, so many at the beginning and the end are shown at first."""
STEP = 1_000_000
"""Characters in all that are shown when more is asked for, and so many more each time."""


@dataclass(frozen=True)
class Block:
    """A heading and a text under it; the text is data, shown as it is.

    Args:
        heading: one line, may be empty.
        text: of any length and content.
        style: of the text.
    """

    heading: Content
    text: str = ""
    style: str = ""


class TextView(LineView):
    """Shows blocks. `f` shows what was cut."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "more", "Whole text")]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._blocks: Sequence[Block] = ()
        self._lines: list[Content] = []
        self._pieces: list[tuple[int, int, int]] = []
        self._wrapped_at = 0
        self._allowed = 0
        self.hidden = 0

    def fill(self, blocks: Iterable[Block]) -> None:
        """Show these blocks from the top."""
        self._blocks = tuple(blocks)
        self._allowed = 0
        self.scroll_to(0, 0, animate=False, force=True)
        self._read()

    def action_more(self) -> None:
        """Show more of the texts that were cut."""
        if self.hidden:
            self._allowed += STEP
            self._read()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is no more to be had of texts that are shown whole."""
        return bool(self.hidden) if action == "more" else True

    def _read(self) -> None:
        before, self.hidden = self.hidden, 0
        self._lines = list(self._all_lines() if self._allowed else self._first_lines())
        self._wrapped_at = 0
        self.relay()
        if bool(before) != bool(self.hidden):
            self.refresh_bindings()

    def _first_lines(self) -> Iterator[Content]:
        """Something of each block, of many blocks the first and the last."""
        blocks, left_out = self._blocks, len(self._blocks) - FIRST - LAST
        for number, block in enumerate(blocks):
            if left_out <= 0 or not FIRST <= number < len(blocks) - LAST:
                yield from self._lines_of(block, SHOWN)
            elif number == FIRST:
                yield self._note(f"{left_out:,} more texts", left_out)

    def _all_lines(self) -> Iterator[Content]:
        """Block by block, until what is allowed is used up."""
        left = self._allowed
        for number, block in enumerate(self._blocks):
            if left <= 0:
                more = len(self._blocks) - number
                yield self._note(f"{more:,} more texts", more)
                return
            yield from self._lines_of(block, left)
            left -= len(block.text) + 1

    def _lines_of(self, block: Block, most: int) -> Iterator[Content]:
        if block.heading:
            yield block.heading
        if block.text:
            for line in block.text[:most].split("\n"):
                yield Content.styled(shown(line), block.style)
        left = len(block.text) - most
        if left > 0:
            yield self._note(f"{left:,} more characters", left)

    def _note(self, what: str, hidden: int) -> Content:
        self.hidden += hidden
        return Content.styled(f"… {what}, press f for all", "$text-warning")

    def relay(self) -> None:
        """Break lines at the width, if that is another one."""
        if self._wrapped_at != self.view_width:
            self._wrapped_at = self.view_width
            self._pieces = [
                (number, start, end)
                for number, line in enumerate(self._lines)
                for start, end in breaks(line.plain, self.view_width)
            ]
        super().relay()

    def line_count(self) -> int:
        """Lines after wrapping."""
        return len(self._pieces)

    def line(self, index: int) -> Content:
        """A piece of a line."""
        number, start, end = self._pieces[index]
        whole = self._lines[number]
        return whole if (start, end) == (0, len(whole)) else whole[start:end]

    @property
    def plain(self) -> str:
        """All lines that are shown, before wrapping."""
        return "\n".join(line.plain for line in self._lines)
