"""A line view with a cursor: keys, mouse, and a line that stays on top if wanted."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.strip import Strip
from textual.style import Style

from .line_view import LineView


class CursorView(LineView):
    """Base of lists and trees. A subclass gives rows, and hears through `moved` and `opened`."""

    HEAD: ClassVar[int] = 0
    """1 when `head` is a line that stays on top."""
    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"cursor-view--head", "cursor-view--cursor", "cursor-view--hover"}
    DEFAULT_CSS = """
    CursorView > .cursor-view--head { text-style: bold dim; }
    CursorView > .cursor-view--hover { background: $block-hover-background; }
    CursorView > .cursor-view--cursor { background: $block-cursor-blurred-background; }
    CursorView:focus > .cursor-view--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: $block-cursor-text-style;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open"),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("home,g", "jump(0)", "First", show=False),
        Binding("end,G", "jump(-1)", "Last", show=False),
    ]
    cursor: reactive[int] = reactive(0, init=False)
    hover: reactive[int | None] = reactive(None, init=False)

    def row_count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def row(self, index: int) -> Content:
        """One row, fitted to `view_width`."""
        raise NotImplementedError

    def head(self) -> Content:
        """The line on top."""
        return Content()

    def moved(self, index: int) -> None:
        """The cursor is on that row now."""

    def opened(self, index: int) -> None:
        """That row was chosen."""

    def line_count(self) -> int:
        """The line on top, and the rows."""
        return self.row_count() + self.HEAD

    def line(self, index: int) -> Content:
        """A row; under the cursor in one colour, so that it can be read there."""
        row = self.row(index - self.HEAD)
        return row.without_spans if index - self.HEAD == self.cursor and self.has_focus else row

    def line_style(self, index: int) -> Style:
        """The cursor's, the mouse's, or none."""
        if index - self.HEAD == self.cursor:
            return self.get_visual_style("cursor-view--cursor")
        return self.get_visual_style("cursor-view--hover") if index - self.HEAD == self.hover else self.visual_style

    def render_line(self, y: int) -> Strip:
        """The line on top does not scroll."""
        if y < self.HEAD:
            style = self.get_visual_style("cursor-view--head")
            return self.strip_of(self.head(), style, self.scrollable_content_region.width)
        return super().render_line(y)

    def place_cursor(self, index: int) -> None:
        """Put the cursor on a row without telling anybody."""
        self.set_reactive(CursorView.cursor, self.validate_cursor(index))
        self.show_cursor()
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        """Keep it on a row."""
        return max(0, min(cursor, self.row_count() - 1))

    def watch_cursor(self) -> None:
        """Keep it in sight and say where it is."""
        self.show_cursor()
        self.refresh()
        if self.row_count():
            self.moved(self.cursor)

    def watch_hover(self) -> None:
        """Draw the row under the mouse."""
        self.refresh()

    def show_cursor(self) -> None:
        """Scroll so that the cursor can be seen, below the line on top."""
        top, height, now = self.cursor, self.view_height, self.scroll_offset.y
        bottom = self.cursor + self.HEAD - height + 1
        target = top if now > top else bottom if now < bottom else now
        if target != now:
            self.scroll_to(y=target, animate=False, force=True)

    def resized(self) -> None:
        """A smaller view shall still show the cursor."""
        self.show_cursor()

    def action_move(self, by: int) -> None:
        """Move the cursor by so many rows."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by so many screens."""
        self.cursor += by * max(1, self.view_height - 1 - self.HEAD)

    def action_jump(self, to: int) -> None:
        """Move the cursor to a row, counted from the end when negative."""
        self.cursor = to if to >= 0 else self.row_count() + to

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        if self.row_count():
            self.opened(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a double click opens."""
        index = self.row_at(event)
        if index is not None:
            self.cursor = index
            if event.chain > 1:
                self.action_choose()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Remember the row under the mouse."""
        self.hover = self.row_at(event)

    def on_leave(self) -> None:
        """The mouse is gone."""
        self.hover = None

    def row_at(self, event: events.MouseEvent) -> int | None:
        """The row under the mouse."""
        place = event.get_content_offset(self)
        if place is None or place.y < self.HEAD:
            return None
        index = place.y - self.HEAD + self.scroll_offset.y
        return index if index < self.row_count() else None
