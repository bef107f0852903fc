"""The one module that owns stderr: progress, notes and errors. Data goes to stdout through `data.py`."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from harnessfix_ir.errors import HarnessfixError

from .plain import plain


@cache
def console() -> Console:
    """The console on stderr; honours NO_COLOR, and is plain when stderr is no terminal."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def note(message: str, style: str = "") -> None:
    """One line for the person; never markup."""
    console().print(Text(plain(message), style=style))


def complain(error: HarnessfixError) -> None:
    """An error and its hint."""
    console().print(Text.assemble(("error: ", "bold red"), plain(str(error))))
    if error.hint:
        console().print(Text.assemble(("hint: ", "bold cyan"), plain(error.hint)))


def warn(messages: Iterable[str], title: str = "not complete") -> None:
    """Evidence that is missing, or work that was skipped, each once."""
    for message in dict.fromkeys(messages):
        console().print(Text.assemble((f"{title}: ", "yellow"), plain(message)))


@contextmanager
def progress(description: str, total: int | None) -> Iterator["Bar"]:
    """A progress bar on stderr that leaves no trace when it is done; silent when stderr is no terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console(), transient=True, disable=not console().is_terminal) as bars:
        yield Bar(bars, plain(description), total)


class Bar:
    """Moves one progress bar."""

    def __init__(self, bars: Progress, description: str, total: int | None) -> None:
        self._bars, self._description = bars, description
        self._task = bars.add_task(description, total=total)

    def advance(self, what: str = "") -> None:
        """One unit is done; `what` is said beside the bar."""
        suffix = f"  {plain(what)}" if what else ""
        self._bars.update(self._task, advance=1, description=f"{self._description}{suffix}")

    def expect(self, total: int) -> None:
        """There are so many units to do."""
        self._bars.update(self._task, total=total)

    def move(self, what: str, done: int, total: int) -> None:
        """`done` of `total` units are done; `what` is said instead of the description."""
        self._bars.update(self._task, completed=done, total=total, description=plain(what))
