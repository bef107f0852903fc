"""A source file around an anchor: numbered, coloured, the anchor's lines marked, any width and length."""

from collections.abc import Sequence
from typing import ClassVar

from pygments.token import Token  # type: ignore[import-untyped]
from textual.content import Content
from textual.highlight import HighlightTheme, highlight
from textual.style import Style

from harnessfix.cli.plain import one_line
from harnessfix.tui.source_file import SourceFile
from harnessfix_ir.anchors import Anchor

from .line_view import LineView

MOST_COLOURED = 400_000
"""Characters of a file beyond which it is shown without colours."""


class Colours(HighlightTheme):
    """Quiet colours of the theme; names and operators as plain text."""

    STYLES = {
        Token.Comment: "dim italic",
        Token.Keyword: "$text-accent",
        Token.Keyword.Constant: "$text-warning",
        Token.Literal.Number: "$text-warning",
        Token.Literal.String: "$text-success",
        Token.Literal.String.Doc: "$text-success dim",
        Token.Name.Class: "bold",
        Token.Name.Decorator: "$text-secondary",
        Token.Name.Exception: "$text-error",
        Token.Name.Function: "$text-primary",
        Token.Name.Tag: "$text-primary",
        Token.Operator.Word: "$text-accent",
    }


def coloured(file: SourceFile) -> list[Content]:
    """The lines of a file with their colours; takes a moment with long files."""
    if file.language == "text" or sum(map(len, file.lines)) > MOST_COLOURED:
        return [Content(line) for line in file.lines]
    whole = highlight("\n".join(file.lines), language=file.language, theme=Colours)
    lines = whole.split("\n", allow_blank=True)
    return lines if len(lines) == len(file.lines) else [Content(line) for line in file.lines]


class SourceView(LineView):
    """Shows one file; its border says path, line and function, and why this place."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"source--anchor"}
    DEFAULT_CSS = """
    SourceView { overflow-x: auto; scrollbar-size-horizontal: 0; }
    SourceView > .source--anchor { background: $error-muted; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[Content] = ()
        self._widest = 0
        self._first = self._last = 0
        self.place: Anchor | None = None

    def show(self, anchor: Anchor, file: SourceFile, lines: Sequence[Content], note: str = "") -> None:
        """Show `file`, whose `lines` were coloured, at the anchor; `note` says why this place."""
        self.place = anchor
        self._lines = lines or (Content.styled(one_line(f"{anchor.path}: {file.problem}", 400), "$text-warning"),)
        self._first, self._last = (anchor.start_line, anchor.end_line) if lines else (0, 0)
        self._widest = max(line.cell_length for line in self._lines) + self._gutter + 3
        self.border_title = Content.assemble((one_line(anchor.place, 160), "bold"), f" {one_line(anchor.qualname, 80)}")
        changed = "changed since it was analysed · " if file.changed(anchor) else ""
        self.border_subtitle = Content(changed + one_line(note, 120))
        self.relay()
        self._to_anchor()

    def explain(self, message: str) -> None:
        """Show a message instead of a file."""
        self.place, self._first, self._last = None, 0, 0
        self._lines = (Content.styled(one_line(message, 400), "dim"),)
        self._widest = len(message)
        self.border_title, self.border_subtitle = Content("source"), Content("")
        self.relay()
        self.scroll_to(0, 0, animate=False, force=True)

    def _to_anchor(self) -> None:
        height, span = self.view_height, self._last - self._first + 1
        above = max(1, (height - span) // 2) if span < height else 1
        self.scroll_to(0, max(0, self._first - 1 - above), animate=False, force=True)

    @property
    def _gutter(self) -> int:
        return len(str(len(self._lines)))

    def line_count(self) -> int:
        """Lines of the file."""
        return len(self._lines)

    def line_width(self) -> int:
        """Cells of the widest line with its number."""
        return max(self._widest, self.view_width)

    def line(self, index: int) -> Content:
        """A numbered line; a message has no number."""
        if not self._first:
            return self._lines[index]
        inside = self._first <= index + 1 <= self._last
        bar = Content.styled(" ┃ ", "$text-error") if inside else Content.styled(" │ ", "dim")
        return Content.styled(f"{index + 1:>{self._gutter}}", "bold" if inside else "dim") + bar + self._lines[index]

    def line_style(self, index: int) -> Style:
        """The anchor's lines stand out."""
        if self._first <= index + 1 <= self._last:
            return self.get_visual_style("source--anchor")
        return self.visual_style
