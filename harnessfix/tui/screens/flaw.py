"""One flaw: what happened, the evidence, the steps it went through, the source, the repair."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Footer, Static

from harnessfix.cli.plain import one_line
from harnessfix.tui import looks
from harnessfix.tui.library import Advice, OpenRun
from harnessfix.tui.sources import Sources
from harnessfix.tui.widgets.rows import Column, Rows
from harnessfix.tui.widgets.source_view import SourceView
from harnessfix.tui.widgets.text_view import TextView
from harnessfix.tui.words import flaws as flaw_words
from harnessfix.tui.words.plainly import beginning
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import FlawRecord
from harnessfix_ir.steps import TraceStep

from .base import BaseScreen

COLUMNS = (Column("run", 8), Column("step", 6), Column("part", 11), Column("what", share=1))


@dataclass(frozen=True)
class Place:
    """A step of a run, or a run as a whole, where the flaw shows."""

    run: str
    step: str | None = None
    part: str = ""
    known: TraceStep | None = None


class FlawScreen(BaseScreen):
    """A flaw."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "anchor(1)", "Other place", tooltip="Next place of the flaw, clones included"),
        Binding("p", "propose", "Propose", tooltip="Propose a patch; your files are not touched"),
        Binding("o", "place", "Copy place", tooltip="Copy path:line of the source"),
        Binding("escape", "app.pop_screen", "Back"),
    ]

    def __init__(self, flaw: FlawRecord) -> None:
        super().__init__()
        self.flaw = flaw
        self._advice: Advice | None = None
        self._sources: Sources | None = None
        self._anchors: Sequence[Anchor] = (*flaw.best.anchors, *flaw.clones)
        self._anchor = 0

    def compose(self) -> ComposeResult:
        """What happened and where at the left; source and repair at the right."""
        yield Static(flaw_words.flaw_heading(self.flaw), id="title")
        with Horizontal(id="flaw"):
            with Vertical(id="left"):
                yield TextView(id="story")
                yield Rows[Place](COLUMNS, place_cells, empty="seen in the source alone", id="places")
            with Vertical(id="right"):
                yield SourceView(id="source")
                yield TextView(id="repair")
        yield Footer()

    def on_mount(self) -> None:
        """Show what the record says; ask for the rest."""
        titles = {"story": "what happened", "places": "steps and runs", "repair": "repair"}
        for name, title in titles.items():
            self.query_one(f"#{name}").border_title = Content(title)
        self._say(None)
        self.source.explain("reading …")
        self.places.fill(list(_places(self.flaw, None)))
        self.places.focus()
        flaw, best = self.flaw, self.flaw.best
        self.ask(lambda: self.library.advice(flaw), self._advise, group="advice", failed=self._no_advice)
        if best.run is not None:
            run = best.run
            self.ask(lambda: self.library.open_run(run), self._name_steps, group="run", failed=lambda *_: None)

    @property
    def source(self) -> SourceView:
        """The source."""
        return self.query_one("#source", SourceView)

    @property
    def places(self) -> Rows[Place]:
        """Steps and runs."""
        return self.query_one("#places", Rows)

    def _say(self, advice: Advice | None) -> None:
        self.query_one("#story", TextView).fill(flaw_words.story_blocks(self.flaw, advice))
        self.query_one("#repair", TextView).fill(flaw_words.repair_blocks(self.flaw, advice))

    def _advise(self, advice: Advice) -> None:
        self._advice = advice
        self._say(advice)
        self._sources = Sources(self.library, advice.bases)
        self.action_anchor(0)

    def _no_advice(self, message: str, hint: str) -> None:
        self.source.explain(f"{beginning(message)}  {beginning(hint)}")
        self.complain(message, hint)

    def _name_steps(self, opened: OpenRun) -> None:
        self.places.fill(list(_places(self.flaw, opened)), self.places.cursor)

    # -- doing ---------------------------------------------------------------------------------------------------

    def action_anchor(self, by: int) -> None:
        """Show the next of the flaw's places, clones included."""
        sources = self._sources
        if not self._anchors or sources is None:
            return
        self._anchor = (self._anchor + by) % len(self._anchors)
        anchor = self._anchors[self._anchor]
        why = "a clone" if self._anchor >= len(self.flaw.best.anchors) else beginning(anchor.reason, 80)
        if len(self._anchors) > 1:
            why += f" · place {self._anchor + 1} of {len(self._anchors)}, press a"
        self.ask(
            lambda: sources.get(anchor.path),
            lambda found: self.source.show(anchor, *found, why.removeprefix(" · ")),
            group="source",
        )

    def action_place(self) -> None:
        """Say where the source is, and copy that."""
        if self._anchors:
            place = one_line(self._anchors[self._anchor].place, 400)
            self.app.copy_to_clipboard(place)
            self.notify(place, title="copied", markup=False)

    def action_propose(self) -> None:
        """Have a patch made and kept, and show it."""
        flaw, repair = self.flaw, self.query_one("#repair", TextView)
        repair.border_title = Content("repair · proposing")

        def made() -> Advice:
            self.library.propose(flaw)
            return self.library.advice(flaw)

        self.ask(made, self._proposed, group="advice", failed=self._not_proposed)

    def _proposed(self, advice: Advice) -> None:
        self.query_one("#repair").border_title = Content("repair")
        self._advise(advice)

    def _not_proposed(self, message: str, hint: str) -> None:
        self.query_one("#repair").border_title = Content("repair · no patch")
        blocks = flaw_words.repair_blocks(self.flaw, self._advice, refused=f"{message} {hint}".strip())
        self.query_one("#repair", TextView).fill(blocks)

    def on_rows_opened(self, event: Rows.Opened) -> None:
        """Open the run at that step."""
        self.harnessfix.open_run(event.item.run, event.item.step)


def place_cells(place: Place) -> Sequence[Content]:
    """One line of the steps and runs."""
    part_style = looks.FLAW if place.part == "responsible" else looks.DIM
    if place.step is None:
        what = Content.styled("the whole run", looks.DIM)
    elif place.known is None:
        what = Content()
    else:
        kind = place.known.kind
        what = Content.assemble((kind.value, looks.KIND.get(kind, "")), " ", one_line(place.known.name, 80))
    return (
        Content.styled(one_line(place.run[:8], 8), "bold"),
        Content(one_line(place.step or "", 12)),
        Content.styled(place.part, part_style),
        what,
    )


def _places(flaw: FlawRecord, opened: OpenRun | None) -> Iterator[Place]:
    best = flaw.best
    held = {step.id: step for step in opened.run.steps} if opened is not None else {}
    if best.run is not None:
        cited = dict.fromkeys((best.responsible_step, *best.path, best.symptom_step))
        for step in cited:
            if step is not None:
                yield Place(best.run, step, flaw_words.part_of(step, best), held.get(step))
        if not any(cited):
            yield Place(best.run, part="shown here")
    for run in flaw.runs:
        if run != best.run:
            yield Place(run, part="also in")
