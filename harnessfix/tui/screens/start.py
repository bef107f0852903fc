"""The first screen: runs and flaws of the store, a filter over both, and what to type when there are none."""

from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.events import DescendantFocus
from textual.widgets import Footer, Input, Static

from harnessfix.cli.plain import one_line
from harnessfix.tui import looks
from harnessfix.tui.library import Contents
from harnessfix.tui.widgets.rows import Rows
from harnessfix.tui.words import flaws as flaw_words
from harnessfix.tui.words import runs as run_words
from harnessfix.tui.words.plainly import beginning, count
from harnessfix.words import said_of
from harnessfix_ir.findings import FlawRecord

from .base import Answered, BaseScreen

if TYPE_CHECKING:
    from harnessfix.store import RunRow

TO_BEGIN = (
    ("harnessfix record -- python your_agent.py", "record a run of yours, unchanged"),
    ("harnessfix import FILE", "read a trace that another tool wrote"),
    ("harnessfix demo", "see it work on a small agent that comes with harnessfix"),
)


class StartScreen(BaseScreen):
    """Runs beside flaws."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (170, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("d", "check", "Diagnose"),
        Binding("r", "reload", "Reload"),
        Binding("escape", "clear", "Clear filter", show=False),
        Binding("f2", "list('run-list')", "To the runs", show=False),
        Binding("f3", "list('flaw-list')", "To the flaws", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.contents = Contents("")

    def compose(self) -> ComposeResult:
        """Title, the two lists (or a welcome), the filter, the keys."""
        yield Static(id="title")
        with Container(id="lists"):
            yield Rows["RunRow"](run_words.COLUMNS, run_words.run_cells, empty="no run fits the filter", id="run-list")
            yield Rows[FlawRecord](flaw_words.COLUMNS, flaw_words.flaw_cells, id="flaw-list")
        yield Static(id="preview")
        yield Static(id="welcome")
        yield Input(placeholder="words that runs or flaws shall have: failed, a task, a rule, a file …", id="filter")
        yield Footer()

    def on_mount(self) -> None:
        """Ask for the lists."""
        self.query_one("#welcome").display = False
        self.query_one("#filter").display = False
        self.runs.border_title = Content("runs")
        self.flaws.border_title = Content("flaws")
        self.runs.focus()
        self.action_reload()

    @property
    def runs(self) -> "Rows[RunRow]":
        """The list of runs."""
        return self.query_one("#run-list", Rows)

    @property
    def flaws(self) -> Rows[FlawRecord]:
        """The list of flaws."""
        return self.query_one("#flaw-list", Rows)

    # -- contents ------------------------------------------------------------------------------------------------

    def action_reload(self) -> None:
        """Read the store again."""
        self.query_one("#lists").loading = True
        self.ask(self.library.contents, self.show, group="contents", failed=self.show_problem)

    def show(self, contents: Contents) -> None:
        """Fill the lists."""
        self.contents = contents
        self.query_one("#lists").loading = False
        self._title(f"{count(len(contents.runs), 'run')} · {said_of(contents.flaws)}")
        if contents.runs or contents.flaws:
            self._welcome(None)
            self._apply()
        else:
            self._welcome(Content.styled("The store holds no runs yet.", "bold"))

    def show_problem(self, message: str, hint: str) -> None:
        """There is no store, or it cannot be read: say so, and how to begin."""
        self.query_one("#lists").loading = False
        self._title("")
        said = Content.styled(f"{beginning(message)}\n", "bold")
        self._welcome(said + Content.styled(beginning(hint), looks.DIM))

    def _title(self, counts: str) -> None:
        place = one_line(self.contents.place, 80)
        title = Content.assemble(("harnessfix ", "bold $text-accent"), (f" {place}", looks.DIM), f"  {counts}")
        self.query_one("#title", Static).update(title)

    def _welcome(self, said: Content | None) -> None:
        self.query_one("#welcome").display = said is not None
        self.query_one("#lists").display = said is None
        self.query_one("#preview").display = said is None
        if said is not None:
            width = max(len(command) for command, _ in TO_BEGIN)
            lines = [
                Content.assemble(("$ ", looks.DIM), (f"{command:<{width}}", "bold $text-success"), f"   {what}")
                for command, what in TO_BEGIN
            ]
            after = Content.styled("then press r to look again", looks.DIM)
            self.query_one("#welcome", Static).update(Content("\n").join([said, Content(), *lines, Content(), after]))

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Say more of what the cursor is on."""
        self._preview(event.rows)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Say more of what the cursor is on in the list that the keys go to now."""
        if isinstance(event.widget, Rows):
            self._preview(event.widget)

    def _preview(self, rows: "Rows[Any]") -> None:
        said = Content()
        if rows.current is not None:
            said = flaw_words.flaw_preview(rows.current) if rows is self.flaws else run_words.run_preview(rows.current)
        self.query_one("#preview", Static).update(said)

    # -- filter --------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Show the filter and type into it."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def action_clear(self) -> None:
        """Take the filter away."""
        field = self.query_one("#filter", Input)
        field.value = ""
        field.display = False
        self.runs.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        self._apply()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Back to the lists, the filter stays."""
        (self.runs if self.runs.items or not self.flaws.items else self.flaws).focus()

    def _apply(self) -> None:
        words = self.query_one("#filter", Input).value.casefold().split()
        runs, flaws = self.contents.runs, self.contents.flaws
        if words:
            runs = [row for row in runs if all(word in run_words.run_words(row) for word in words)]
            flaws = [flaw for flaw in flaws if all(word in flaw_words.flaw_words(flaw) for word in words)]
        self.flaws.empty = "no flaw fits the filter" if self.contents.flaws else self._no_flaws()
        self.runs.fill(runs)
        self.flaws.fill(flaws)
        self._preview(self.flaws if self.flaws.has_focus else self.runs)
        self.runs.border_subtitle = Content(f"{len(runs):,} of {len(self.contents.runs):,}" if words else "")
        self.flaws.border_subtitle = Content(f"{len(flaws):,} of {len(self.contents.flaws):,}" if words else "")

    def _no_flaws(self) -> str:
        undiagnosed = any(row.flaws is None for row in self.contents.runs)
        return "not diagnosed yet: press d" if undiagnosed else "none found"

    # -- doing ---------------------------------------------------------------------------------------------------

    def on_rows_opened(self, event: Rows.Opened) -> None:
        """Open a run or a flaw."""
        chosen: Any = event.item
        if event.rows is self.flaws:
            self.harnessfix.open_flaw(chosen)
        else:
            self.harnessfix.open_run(chosen.id)

    def action_list(self, name: str) -> None:
        """Take the keys to a list."""
        self.query_one(f"#{name}").focus()

    def action_check(self) -> None:
        """Diagnose all runs."""
        self.flaws.loading = True
        self.flaws.border_title = Content("flaws · diagnosing")
        self.ask(lambda: self.library.check(self._told), self._checked, group="contents", failed=self._not_checked)

    def _told(self, what: str) -> None:
        title = Content(f"flaws · diagnosed {one_line(what, 20)}")
        self.post_message(Answered(lambda: setattr(self.flaws, "border_title", title)))

    def _checked(self, contents: Contents) -> None:
        self._rest()
        self.show(contents)
        self.notify(said_of(contents.flaws), title="diagnosed", markup=False)

    def _not_checked(self, message: str, hint: str) -> None:
        self._rest()
        self.complain(message, hint)

    def _rest(self) -> None:
        self.flaws.loading = False
        self.flaws.border_title = Content("flaws")
