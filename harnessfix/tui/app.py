"""The app: which screen is shown when. What is shown comes from a `Library`."""

from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider

from harnessfix_ir.findings import Diagnosis, FlawRecord

from .library import Contents, Library
from .palette import Commands
from .screens.flaw import FlawScreen
from .screens.help import HelpScreen
from .screens.run import RunScreen
from .screens.start import StartScreen
from .theme import HARNESSFIX


class HarnessfixApp(App[None]):
    """harnessfix in the terminal.

    Args:
        library: asked for everything that is shown.
        run: to begin with: an id, the beginning of one, a name, or `latest`.
        step: of that run.
        flaw: to begin with instead.
    """

    TITLE = "harnessfix"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Provider]]] = App.COMMANDS | {Commands}  # type: ignore[assignment]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(
        self, library: Library, *, run: str | None = None, step: str | None = None, flaw: FlawRecord | None = None
    ) -> None:
        super().__init__()
        self.library = library
        self._start = StartScreen()
        self._run, self._step, self._flaw = run, step, flaw

    @property
    def contents(self) -> Contents:
        """The lists of the first screen."""
        return self._start.contents

    def on_mount(self) -> None:
        """Show the first screen, and what was asked for on it."""
        self.register_theme(HARNESSFIX)
        self.theme = HARNESSFIX.name
        self.push_screen(self._start)
        if self._flaw is not None:
            self.open_flaw(self._flaw)
        elif self._run is not None:
            self.open_run(self._run, self._step)

    def open_run(self, run_id: str, step: str | None = None) -> None:
        """Show a run."""
        self.push_screen(RunScreen(run_id, step))

    def open_flaw(self, flaw: FlawRecord) -> None:
        """Show a flaw."""
        self.push_screen(FlawScreen(flaw))

    def open_diagnosis(self, diagnosis: Diagnosis) -> None:
        """Show the flaw that a diagnosis is a case of, with what this very run shows of it."""
        known = next((flaw for flaw in self.contents.flaws if flaw.flaw == diagnosis.flaw), None)
        runs = (diagnosis.run,) if diagnosis.run else ()
        record = known or FlawRecord(flaw=diagnosis.flaw, best=diagnosis, runs=runs)
        self.open_flaw(record.model_copy(update={"best": diagnosis}))

    def action_help(self) -> None:
        """Show keys and marks."""
        self.push_screen(HelpScreen(self.screen.active_bindings))
