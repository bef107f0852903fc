"""The steps of a run as a tree: children are laid out when their parent is opened, and drawn when they are seen."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from harnessfix.cli.plain import one_line
from harnessfix.tui import looks
from harnessfix.tui.outline import Outline, failed
from harnessfix.tui.words.steps import gist
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep

from .cursor_view import CursorView

DEEPEST = 16
"""Steps nested deeper are not indented further."""
ROOM = 42
"""Cells from which kinds are written in full."""
ALL_OPEN = 400
"""Runs with at most so many steps are shown fully opened."""


class StepTree(CursorView):
    """Steps nested by parent, with marks for errors and flaws; one row a step."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open or close", show=False),
        Binding("space", "choose", "Open or close", show=False),
        Binding("h,left", "outward", "Close, or to the parent", show=False),
        Binding("l,right", "inward", "Open, or to the first child", show=False),
    ]

    class Moved(Message):
        """The cursor is on another step."""

        def __init__(self, tree: "StepTree", step: TraceStep) -> None:
            super().__init__()
            self.tree, self.step = tree, step

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.outline: Outline | None = None
        self._htir: Htir | None = None
        self._rows: list[tuple[TraceStep, int]] = []
        self._row_of: dict[str, int] = {}
        self._open: set[str] = set()
        self._id_width = 2

    def fill(self, run: Htir, outline: Outline) -> None:
        """Show a run: small ones fully, of others the outermost steps and what is directly inside them."""
        self._htir, self.outline = run, outline
        self._id_width = max((len(step.id) for step in outline.steps[-1:]), default=2)
        shown: Iterable[TraceStep] = outline.steps if len(outline.steps) <= ALL_OPEN else outline.children(None)
        self._open = {step.id for step in shown if outline.children(step.id)}
        self._lay_out()

    @property
    def current(self) -> TraceStep | None:
        """The step under the cursor."""
        return self._rows[self.cursor][0] if self._rows else None

    def reveal(self, step_id: str) -> None:
        """Open what is around a step and put the cursor on it; nothing happens with an unknown id."""
        if self.outline is None or step_id not in self.outline.position:
            return
        around = [above for above in self.outline.ancestors(step_id) if above not in self._open]
        if around:
            self._open.update(around)
            self._lay_out()
        row = self._row_of[step_id]
        if row == self.cursor:
            self.show_cursor()
            self.moved(row)
        else:
            self.cursor = row

    def _lay_out(self, keep: str | None = None) -> None:
        """Rows of all steps whose parents are open, in order of start below each parent."""
        assert self.outline is not None
        self._rows = []
        pending = [(step, 0) for step in reversed(self.outline.children(None))]
        while pending:
            step, depth = pending.pop()
            self._rows.append((step, depth))
            if step.id in self._open:
                pending.extend((child, depth + 1) for child in reversed(self.outline.children(step.id)))
        self._row_of = {step.id: number for number, (step, _) in enumerate(self._rows)}
        self.relay()
        if keep is not None:
            self.place_cursor(self._row_of[keep])

    # -- rows ----------------------------------------------------------------------------------------------------

    def row_count(self) -> int:
        """One for each step that is laid out."""
        return len(self._rows)

    def row(self, index: int) -> Content:
        """Id, status, kind and name of a step, the flaws blamed on it, and what a closed one holds."""
        step, depth = self._rows[index]
        assert self.outline is not None
        assert self._htir is not None
        can_open = bool(self.outline.children(step.id))
        sign = "▾ " if step.id in self._open else "▸ " if can_open else "  "
        kind_style = looks.STATUS[step.status] if failed(step) else looks.KIND.get(step.kind, looks.DIM)
        told = Content.assemble(
            (f"{one_line(step.id, 12):>{self._id_width}} ", looks.DIM),
            (looks.STATUS_MARK[step.status], looks.STATUS[step.status]),
            (f"{self._flaw_mark(step)} ", looks.FLAW),
            "  " * min(depth, DEEPEST),
            (sign, looks.DIM),
            (self._kind(step), kind_style),
            f" {one_line(step.name, 60)}",
            *self._after(step),
            (f"  {gist(self._htir, step)}", looks.DIM),
        )
        return told.truncate(self.view_width, ellipsis=True).pad_right(max(0, self.view_width - told.cell_length))

    def _kind(self, step: TraceStep) -> str:
        """The kind; only its first word where there is little room."""
        return step.kind.value if self.view_width >= ROOM else step.kind.value.partition("_")[0]

    def _flaw_mark(self, step: TraceStep) -> str:
        assert self.outline is not None
        if step.id in self.outline.blamed:
            return looks.FLAW_MARK
        return looks.TOUCHED_MARK if step.id in self.outline.touched else " "

    def _after(self, step: TraceStep) -> Iterable[tuple[str, str]]:
        assert self.outline is not None
        blamed: Sequence[Diagnosis] = self.outline.blamed.get(step.id, ())
        for rule in dict.fromkeys(diagnosis.rule for diagnosis in blamed):
            yield f" {one_line(rule, 8)}", looks.FLAW
        inside = self.outline.inside.get(step.id)
        if inside is not None and step.id not in self._open:
            yield f"  {inside.steps:,} inside", looks.DIM
            if inside.flaws:
                yield f" {looks.FLAW_MARK}{inside.flaws:,}", looks.FLAW
            if inside.errors:
                yield f" ✗{inside.errors:,}", looks.FLAW

    def moved(self, index: int) -> None:
        """Tell the screen."""
        self.post_message(self.Moved(self, self._rows[index][0]))

    # -- opening and closing -------------------------------------------------------------------------------------

    def opened(self, index: int) -> None:
        """Open a step, or close it."""
        step = self._rows[index][0]
        self._toggle(step.id, step.id not in self._open)

    def _toggle(self, step_id: str, opened: bool) -> None:
        if self.outline is not None and self.outline.children(step_id):
            (self._open.add if opened else self._open.discard)(step_id)
            self._lay_out(keep=step_id)

    def action_outward(self) -> None:
        """Close an open step; from a closed one go to its parent."""
        step = self.current
        if step is None or self.outline is None:
            return
        parent = self.outline.parent(step.id)
        if step.id in self._open:
            self._toggle(step.id, False)
        elif parent is not None:
            self.cursor = self._row_of[parent]

    def action_inward(self) -> None:
        """Open a closed step; from an open one go to its first child."""
        step = self.current
        if step is None:
            return
        if step.id in self._open:
            self.cursor += 1
        else:
            self._toggle(step.id, True)

    def on_click(self, event: events.Click) -> None:
        """A click on the sign opens or closes; elsewhere it moves the cursor."""
        index = self.row_at(event)
        if index is not None and event.chain == 1 and self._on_sign(event, index):
            self.cursor = index
            self.action_choose()
            event.stop()
            event.prevent_default()

    def _on_sign(self, event: events.Click, index: int) -> bool:
        place = event.get_content_offset(self)
        start = self._id_width + 4 + 2 * min(self._rows[index][1], DEEPEST)
        return place is not None and start <= place.x < start + 2
