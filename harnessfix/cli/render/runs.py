"""The list of runs."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from harnessfix.cli.plain import one_line
from harnessfix.store import RunRow

from .layers import OUTCOME_MARK, OUTCOME_STYLE


def runs_table(rows: Sequence[RunRow]) -> Table:
    """One line a run."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("run", "", "task", "steps", "errors", "flaws", "seconds", "when", "from"):
        table.add_column(
            title, justify="right" if title in ("steps", "errors", "flaws", "seconds") else "left", no_wrap=True
        )
    for row in rows:
        table.add_row(
            Text(row.short_id, style="bold"),
            Text(f"{OUTCOME_MARK[row.outcome]} {row.outcome.value}", style=OUTCOME_STYLE[row.outcome]),
            Text(one_line(row.task or row.name, 44, ends=False)),
            f"{row.steps:,}",
            Text(f"{row.errors:,}", style="red" if row.errors else "dim"),
            Text("-" if row.flaws is None else f"{row.flaws}", style="red" if row.flaws else "dim"),
            "-" if row.seconds is None else f"{row.seconds:.1f}",
            Text("-" if row.started is None else row.started.astimezone().strftime("%Y-%m-%d %H:%M:%S"), style="dim"),
            Text(row.format, style="dim"),
        )
    return table
