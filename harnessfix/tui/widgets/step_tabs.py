"""Everything about one step, in tabs; a tab is filled when it is looked at."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static, TabbedContent, TabPane

from harnessfix.tui.outline import Outline
from harnessfix.tui.words import flaws as flaw_words
from harnessfix.tui.words import links as link_words
from harnessfix.tui.words import steps as step_words
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep

from .rows import Rows
from .text_view import TextView

TABS = ("input", "output", "links", "facts", "flaws")


class StepTabs(Widget):
    """Input, output, links, facts and flaws of a step."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._run: Htir | None = None
        self._step: TraceStep | None = None
        self._outline: Outline | None = None
        self._stale: set[str] = set()
        self._labels: dict[str, tuple[str, str]] = {}
        self._links: Sequence[link_words.LinkRow] = ()
        self._flaws: Sequence[tuple[Diagnosis, str]] = ()

    def compose(self) -> ComposeResult:
        """The panes."""
        with TabbedContent(id="tabs"):
            with TabPane("Input", id="input"):
                yield TextView(id="input-text")
            with TabPane("Output", id="output"):
                yield TextView(id="output-text")
            with TabPane("Links", id="links"):
                rows = Rows[link_words.LinkRow]
                yield rows(link_words.COLUMNS, link_words.link_cells, empty="no links", id="link-rows")
                yield Static(id="link-quote")
            with TabPane("Facts", id="facts"):
                yield TextView(id="facts-text")
            with TabPane("Flaws", id="flaws"):
                yield Rows[tuple[Diagnosis, str]](
                    flaw_words.OF_STEP_COLUMNS,
                    flaw_words.of_step_cells,
                    empty="no flaw was found at this step",
                    id="flaw-rows",
                )

    @property
    def tabs(self) -> TabbedContent:
        """The tabs themselves."""
        return self.query_one("#tabs", TabbedContent)

    def show(self, run: Htir, outline: Outline, step: TraceStep) -> None:
        """Show a step; only the tab that is open is filled now."""
        self._run, self._outline, self._step = run, outline, step
        self._links = link_words.link_rows(run, step)
        self._flaws = [(found, flaw_words.part_of(step.id, found)) for found in outline.touched.get(step.id, ())]
        counts = {
            "input": len(step.input),
            "output": len(step.output) + (step.error is not None),
            "links": len(self._links),
            "facts": len(step.events),
            "flaws": len(self._flaws),
        }
        for name, count in counts.items():
            style = "$text-error" if count and (name == "flaws" or (name == "output" and step.error)) else ""
            label = f"{name.capitalize()} {count:,}" if count else name.capitalize()
            if self._labels.get(name) != (label, style):
                self._labels[name] = (label, style)
                self.tabs.get_tab(name).label = Content.styled(label, style)
        self._stale = set(TABS)
        self._fill()

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        """Fill the tab that is looked at."""
        self._fill()

    def open(self, name: str) -> None:
        """Look at a tab, and take the keys there."""
        self.tabs.active = name
        ids = {"links": "link-rows", "flaws": "flaw-rows"}
        self.query_one(f"#{ids.get(name, name + '-text')}").focus()

    def _fill(self) -> None:
        name, run, step = self.tabs.active, self._run, self._step
        if run is None or step is None or name not in self._stale:
            return
        self._stale.discard(name)
        if name == "links":
            self.query_one("#link-rows", Rows).fill(self._links)
            self._quote(self._links[0] if self._links else None)
        elif name == "flaws":
            self.query_one("#flaw-rows", Rows).fill(self._flaws)
        else:
            blocks = {
                "input": lambda: step_words.part_blocks(run, step.input, "no input was recorded"),
                "output": lambda: step_words.output_blocks(run, step),
                "facts": lambda: step_words.fact_blocks(step),
            }[name]()
            self.query_one(f"#{name}-text", TextView).fill(blocks)

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Quote the text of the link under the cursor."""
        if isinstance(event.item, link_words.LinkRow):
            self._quote(event.item)

    def _quote(self, row: link_words.LinkRow | None) -> None:
        said = link_words.link_quote(self._run, row) if row is not None and self._run is not None else Content()
        quote = self.query_one("#link-quote", Static)
        quote.display = bool(said)
        quote.update(said)
