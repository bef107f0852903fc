"""One run: its steps, the source at the place each comes from, and everything about the step under the cursor."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Footer, Input, Static

from harnessfix.cli.plain import one_line
from harnessfix.tui.library import OpenRun
from harnessfix.tui.outline import Outline, find
from harnessfix.tui.sources import Sources
from harnessfix.tui.widgets.rows import Rows
from harnessfix.tui.widgets.source_view import SourceView
from harnessfix.tui.widgets.step_tabs import TABS, StepTabs
from harnessfix.tui.widgets.step_tree import StepTree
from harnessfix.tui.words.links import LinkRow
from harnessfix.tui.words.plainly import beginning
from harnessfix.tui.words.runs import run_heading, verdict_line
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.steps import TraceStep

from .base import BaseScreen


class RunScreen(BaseScreen):
    """A run.

    Args:
        run_id: an id, the beginning of one, a name, or `latest`.
        step: to begin at; else at the first step that a flaw is blamed on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "mark(1)", "Next", tooltip="Next step with a flaw or an error"),
        Binding("p", "mark(-1)", "Previous", tooltip="Previous step with a flaw or an error"),
        Binding("slash", "find", "Find"),
        Binding("a", "anchor", "Next place of the step in the source", show=False),
        Binding("o", "place", "Copy place", tooltip="Copy path:line of the source"),
        Binding("b", "return", "Back from a jump", show=False),
        *(Binding(str(key), f"tab('{name}')", f"{name.capitalize()}", show=False) for key, name in enumerate(TABS, 1)),
        Binding("s", "steps", "To the steps", show=False),
        Binding("escape", "back", "Back"),
    ]

    def __init__(self, run_id: str, step: str | None = None) -> None:
        super().__init__()
        self._asked, self._begin = run_id, step
        self._opened: OpenRun | None = None
        self._outline: Outline | None = None
        self._sources: Sources | None = None
        self._anchors: Sequence[tuple[Anchor, str]] = ()
        self._anchor = 0
        self._came_from: list[str] = []

    def compose(self) -> ComposeResult:
        """Title; steps at the left; source and details at the right; the field to find with."""
        yield Static(id="title")
        with Horizontal(id="run"):
            yield StepTree(id="steps")
            with Vertical(id="right"):
                yield SourceView(id="source")
                yield StepTabs(id="details")
        yield Input(placeholder="words in a step's name, error, place or texts …", id="find")
        yield Footer()

    def on_mount(self) -> None:
        """Ask for the run."""
        self.query_one("#find").display = False
        self.query_one("#run").loading = True
        self.query_one("#title", Static).update(Content(f"reading run {one_line(self._asked, 40)}"))
        self.steps.border_title = Content("steps")
        self.source.explain("reading …")
        asked = self._asked
        self.ask(
            lambda: self.library.open_run(self.library.find_run(asked)), self._show, group="run", failed=self._missing
        )

    @property
    def steps(self) -> StepTree:
        """The tree."""
        return self.query_one("#steps", StepTree)

    @property
    def source(self) -> SourceView:
        """The source."""
        return self.query_one("#source", SourceView)

    @property
    def details(self) -> StepTabs:
        """The tabs."""
        return self.query_one("#details", StepTabs)

    def _show(self, opened: OpenRun) -> None:
        self._opened = opened
        self._outline = outline = Outline(opened.run, opened.diagnoses)
        self._sources = Sources(self.library, opened.bases)
        self.query_one("#run").loading = False
        title = run_heading(opened.run)
        if opened.attribution is not None:
            title = Content("\n").join((title, verdict_line(opened.attribution)))
        self.query_one("#title", Static).update(title)
        marked = f"{len(outline.marks):,} marked" if outline.marks else ""
        self.steps.border_subtitle = Content(marked)
        self.steps.fill(opened.run, outline)
        self.steps.focus()
        first = next(iter(outline.blamed), outline.steps[0].id if outline.steps else None)
        if outline.steps:
            self.steps.reveal(self._begin if self._begin in outline.position else first or "")
        else:
            self.source.explain("this run has no steps")

    def _missing(self, message: str, hint: str) -> None:
        self.query_one("#run").loading = False
        self.query_one("#title", Static).update(Content(f"run {one_line(self._asked, 40)}"))
        self.source.explain(f"{beginning(message)}  {beginning(hint)}")
        self.complain(message, hint)

    # -- the step under the cursor -------------------------------------------------------------------------------

    def on_step_tree_moved(self, event: StepTree.Moved) -> None:
        """Show the step, unless the cursor is on another one by now."""
        if self._opened is not None and self._outline is not None and event.step is self.steps.current:
            self.details.show(self._opened.run, self._outline, event.step)
            self._take_anchors(event.step)

    def _take_anchors(self, step: TraceStep) -> None:
        assert self._outline is not None
        places: dict[tuple[str, int, int], tuple[Anchor, str]] = {}
        for found in self._outline.blamed.get(step.id, ()):
            anchor = found.anchors[0]
            places.setdefault((anchor.path, anchor.start_line, anchor.end_line), (anchor, f"blamed by {found.rule}"))
        for anchor in step.anchors:
            why = f"tied by {anchor.route.value.replace('_', ' ')}, {anchor.evidence.value}"
            places.setdefault((anchor.path, anchor.start_line, anchor.end_line), (anchor, why))
        self._anchors, self._anchor = tuple(places.values()), 0
        self._show_anchor()

    def _show_anchor(self) -> None:
        if not self._anchors:
            self.source.explain("no place in the harness is known for this step")
            return
        anchor, why = self._anchors[self._anchor]
        sources = self._sources
        assert sources is not None
        if len(self._anchors) > 1:
            why += f" · place {self._anchor + 1} of {len(self._anchors)}, press a"
        self.ask(lambda: sources.get(anchor.path), lambda found: self.source.show(anchor, *found, why), group="source")

    def action_anchor(self) -> None:
        """Show the step's next place."""
        if self._anchors:
            self._anchor = (self._anchor + 1) % len(self._anchors)
            self._show_anchor()

    def action_place(self) -> None:
        """Say where the source is, and copy that."""
        anchor = self.source.place
        if anchor is None:
            self.notify("no place in the harness is known for this step", markup=False)
            return
        place = one_line(anchor.place, 400)
        self.app.copy_to_clipboard(place)
        self.notify(place, title="copied", markup=False)

    # -- going about ---------------------------------------------------------------------------------------------

    def action_mark(self, direction: int) -> None:
        """To the next or previous step with a flaw or an error."""
        if self._outline is None:
            return
        current = self.steps.current
        mark = self._outline.next_mark(current.id if current else None, direction)
        if mark is None:
            self.notify("no step has a flaw or an error", markup=False)
        else:
            self.steps.reveal(mark)

    def jump(self, step_id: str) -> None:
        """To a step, remembering where from."""
        current = self.steps.current
        if current is not None:
            self._came_from.append(current.id)
        self.steps.reveal(step_id)

    def action_return(self) -> None:
        """To where the last jump came from."""
        if self._came_from:
            self.steps.reveal(self._came_from.pop())

    def action_tab(self, name: str) -> None:
        """Look at a tab."""
        self.details.open(name)

    def action_steps(self) -> None:
        """Take the keys to the tree."""
        self.steps.focus()

    def action_back(self) -> None:
        """Close the field to find with, or the screen."""
        field = self.query_one("#find", Input)
        if field.display:
            field.display = False
            self.steps.focus()
        else:
            self.app.pop_screen()

    def on_rows_opened(self, event: Rows.Opened) -> None:
        """Jump along a link, or open a flaw."""
        if isinstance(event.item, LinkRow):
            self.jump(event.item.other.id)
        else:
            self.harnessfix.open_diagnosis(event.item[0])

    # -- finding -------------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        """Show the field and type into it."""
        field = self.query_one("#find", Input)
        field.display = True
        field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """To the next step with these words; Enter again goes on."""
        if self._opened is None or not event.value:
            return
        run, words, current = self._opened.run, event.value, self.steps.current
        after = current.id if current else None
        self.ask(lambda: find(run, words, after), lambda found: self._found(words, found), group="find")

    def _found(self, words: str, step_id: str | None) -> None:
        if step_id is None:
            self.notify(f"no step has {one_line(words, 60)!r}", markup=False)
        else:
            self.steps.reveal(step_id)
