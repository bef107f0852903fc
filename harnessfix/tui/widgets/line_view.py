"""A view of many lines that renders only those on the screen, so that its cost does not depend on their number."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style


class LineView(ScrollView, can_focus=True):
    """Base of all line views: a subclass says how many lines there are and what each one is.

    Lines are `Content` made without markup. A subclass calls `relay()` when their number or width changes.
    """

    DEFAULT_CSS = """
    LineView {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $foreground 25%;
        scrollbar-color-hover: $primary;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "First line", show=False),
        Binding("G", "scroll_end", "Last line", show=False),
    ]

    def line_count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def line(self, index: int) -> Content:
        """One line, without a newline."""
        raise NotImplementedError

    def line_width(self) -> int:
        """Cells of the widest line; 0 when lines are made to fit."""
        return 0

    def line_style(self, index: int) -> Style:
        """What a line is drawn upon."""
        return self.visual_style

    @property
    def view_width(self) -> int:
        """Cells that a line may take without scrolling, the scrollbar's kept free."""
        return max(1, self.container_size.width - self.styles.scrollbar_size_vertical)

    @property
    def view_height(self) -> int:
        """Lines that can be seen."""
        return max(1, self.container_size.height)

    def relay(self) -> None:
        """Take note of new lines."""
        self.virtual_size = Size(self.line_width() or self.view_width, self.line_count())
        self.refresh()

    def on_resize(self) -> None:
        """Lines may be as wide as the view."""
        self.relay()
        self.resized()

    def resized(self) -> None:
        """The view has another size, and lines are laid out for it."""

    def render_line(self, y: int) -> Strip:
        """Textual asks for one line of the screen."""
        index = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if not 0 <= index < self.line_count():
            return Strip.blank(width, self.visual_style.rich_style)
        strip = self.strip_of(self._selected(self.line(index), index), self.line_style(index), width)
        return strip.apply_offsets(self.scroll_offset.x, index)

    def strip_of(self, content: Content, style: Style, width: int) -> Strip:
        """`content` on `style`, as much of it as is scrolled to."""
        strip = Strip(content.render_segments(style))
        left = self.scroll_offset.x
        return strip.crop_extend(left, left + width, style.rich_style)

    # -- selecting text with the mouse ---------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The lines that were selected, for copying."""
        return selection.extract("\n".join(self.line(number).plain for number in range(self.line_count()))), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw what is selected."""
        self.refresh()

    def _selected(self, content: Content, index: int) -> Content:
        selection = self.text_selection
        span = selection.get_span(index) if selection is not None else None
        if span is None:
            return content
        start, end = span
        style = Style.from_styles(self.screen.get_component_styles("screen--selection"))
        return content.stylize(style, start, len(content) if end == -1 else end)
