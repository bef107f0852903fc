"""Runs in words: a row of the list, and a heading."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from harnessfix.cli.plain import one_line
from harnessfix.tui import looks
from harnessfix.tui.widgets.rows import Column
from harnessfix.tui.words.plainly import beginning, count
from harnessfix_ir.attribution import Attribution
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Outcome

if TYPE_CHECKING:
    from harnessfix.store import RunRow

COLUMNS = (
    Column("", 1),
    Column("task", share=1, least=12),
    Column("steps", 7, right=True),
    Column("flaws", 5, right=True),
    Column("run", 8),
    Column("when", 16),
)


def run_cells(row: "RunRow") -> Sequence[Content]:
    """One line of the list of runs."""
    flaws = "-" if row.flaws is None else f"{row.flaws:,}"
    return (
        outcome_mark(row.outcome),
        Content(beginning(row.task or row.name or row.filename or "unnamed")),
        Content(f"{row.steps:,}"),
        Content.styled(flaws, looks.FLAW if row.flaws else looks.DIM),
        Content.styled(one_line(row.short_id, 12), "bold"),
        Content.styled(row.started.astimezone().strftime("%Y-%m-%d %H:%M") if row.started else "-", looks.DIM),
    )


def run_preview(row: "RunRow") -> Content:
    """What the row has no room for."""
    took = "" if row.seconds is None else f"{row.seconds:,.1f} s · "
    by = f" by {one_line(row.outcome_by, 20)}" if row.outcome_by else ""
    flaws = "not diagnosed yet" if row.flaws is None else count(row.flaws, "flaw")
    lost = f" · {count(row.incomplete, 'note')} of missing evidence" if row.incomplete else ""
    known = f"{row.outcome.value}{by} · {took}{count(row.errors, 'error')} · {flaws} · {one_line(row.format, 40)}{lost}"
    return Content.assemble(beginning(row.task or row.name or row.id), (f"  {known}", looks.DIM))


def run_words(row: "RunRow") -> str:
    """What a filter looks at."""
    return " ".join((row.id, row.task, row.name, row.outcome.value, row.format, row.filename)).casefold()


def outcome_mark(outcome: Outcome) -> Content:
    """A mark and a colour for how a run ended."""
    return Content.styled(looks.OUTCOME_MARK[outcome], looks.OUTCOME[outcome])


def verdict_line(found: Attribution) -> Content:
    """Whose fault a failed run is, how sure, and the first reason, in one line."""
    whose = " or ".join(verdict.value for verdict in found.tied) or found.verdict.value
    mine = [cause.reason for cause in found.causes if cause.verdict is found.verdict or found.tied]
    sure = f" {found.confidence:.2f}" if found.confidence else ""
    return Content.assemble(
        "  at fault: ",
        (whose, "bold"),
        (f"{sure}  ", looks.DIM),
        (f"{found.origin}  " if found.origin else "", "bold"),
        beginning(mine[0] if mine else found.noticed, 160),
    )


def run_heading(run: Htir) -> Content:
    """One line for a run."""
    info = run.run
    said = [count(len(run.steps), "step")]
    if info.started_ns is not None and info.ended_ns is not None:
        said.append(f"{(info.ended_ns - info.started_ns) / 1e9:,.2f} s")
    said.extend(beginning(missing, 80) for missing in run.incomplete[:3])
    by = f" by {one_line(info.outcome_by, 20)}" if info.outcome_by else ""
    return Content.assemble(
        outcome_mark(info.outcome),
        " ",
        (beginning(info.name or info.task or "run", 60), "bold"),
        f"  {one_line(info.id, 12)}  ",
        (info.outcome.value + by, looks.OUTCOME[info.outcome]),
        (f"  {' · '.join(said)}", looks.DIM),
    )
