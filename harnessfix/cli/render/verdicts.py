"""Whose fault a failed run is: a line in a list of runs, and the whole story of one."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from harnessfix.cli.plain import one_line, plain
from harnessfix.diagnoser.comparison import Comparison
from harnessfix_ir.attribution import Attribution, Cause, Hop, Suspect
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Verdict

VERDICT_STYLE = {
    Verdict.HARNESS: "bold red",
    Verdict.MODEL: "bold bright_cyan",
    Verdict.ENVIRONMENT: "bold bright_yellow",
    Verdict.EVALUATOR: "bold bright_magenta",
    Verdict.UNKNOWN: "bold dim",
}
MOST_ROWS = 30
MOST_CAUSES = 4
UNLIKELY = 0.1  # causes below it are not shown
LINK_WORDS = {"inside": "out to", "cited": "led to", "follows": "then", "handled_by": "caught at"}


def verdict_list(found: Collection[Attribution], names: Mapping[str, str]) -> RenderableType:
    """One line a failed run: the run, whose fault, how sure, from which step, and the first reason.

    Args:
        found: in the order to show.
        names: run id to a name for people.
    """
    table = Table(box=None, pad_edge=False, show_header=False)
    for least, most, right in ((10, 10, False), (20, 44, False), (11, 24, False), (4, 4, True), (3, 6, True)):
        justify: JustifyMethod = "right" if right else "left"
        table.add_column(no_wrap=True, min_width=least, max_width=most, overflow="ellipsis", justify=justify)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for one in islice(found, MOST_ROWS):
        table.add_row(
            Text.assemble(("✗ ", "red"), (one.run[:8], "bold")),
            one_line(names.get(one.run, ""), 44, ends=False),
            whose(one),
            Text(f"{one.confidence:.2f}" if one.confidence else "", style="dim"),
            Text(one.origin or "", style="bold"),
            _first(one),
        )
    more = len(found) - MOST_ROWS
    title = Text("whose fault each failed run is", style="bold")
    rest = [Text(f"and {more:,} more; `--format json` has them all", style="dim")] if more > 0 else []
    return Group(title, table, *rest)


def whose(one: Attribution) -> Text:
    """The verdict in a word or two; ties as ties."""
    if one.tied:
        return Text(" or ".join(verdict.value for verdict in one.tied), style=VERDICT_STYLE[Verdict.UNKNOWN])
    return Text(one.verdict.value, style=VERDICT_STYLE[one.verdict])


def _first(one: Attribution) -> Text:
    """The best reason for the verdict: a finding by its name and flaw, anything else in its own words."""
    mine = [cause for cause in one.causes if cause.verdict is one.verdict] or list(one.causes)
    if not mine:
        return Text("nothing in the run says why", style="dim")
    if not mine[0].rule:
        return Text(one_line(mine[0].reason, 100, ends=False))
    return Text.assemble(one_line(mine[0].reason.partition(":")[0], 100), (f"  {mine[0].flaw}", "dim"))


def verdict_view(one: Attribution, run: Htir) -> RenderableType:
    """The verdict on one run: how it failed, the way there, what speaks for it and what else was weighed."""
    return Group(*_parts(one, run))


def comparison_view(found: Comparison) -> RenderableType:
    """Where a run parts from the nearest passed run of its task."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", style="blue", no_wrap=True, min_width=9)
    grid.add_column(overflow="fold")
    where = f"{found.here or 'its end'} (there {found.there or 'the end'})"
    parts = Text.assemble((f"{where}: ", "bold"), one_line(found.words, 260, ends=False))
    grid.add_row("parts at:", parts if found.difference is not None else Text(found.words))
    for label, kinds in (("only here:", found.only_here), ("only there:", found.only_there)):
        if kinds:
            grid.add_row(label, one_line(", ".join(f"{count}× {kind}" for kind, count in kinds), 200, ends=False))
    alike = f"the first {found.alike} steps are alike" if found.alike else "no step is alike"
    title = Text.assemble(("beside passed run ", "bold"), (found.other[:8], "bold"), (f"  {alike}", "dim"))
    return Group(title, grid)


def suspect_list(found: Iterable[Suspect]) -> RenderableType:
    """Code that failed runs have in common, as leads."""
    lines: list[RenderableType] = [Text("what failed runs that no finding explains have in common", style="bold")]
    for one in found:
        runs = f"{one.failed} of {one.of_failed} failed runs, {one.passed} of {one.of_passed} passed ones"
        for number, anchor in enumerate(one.anchors):
            place = (plain(anchor.place), "bold"), (f"  in {plain(anchor.qualname)}", "dim")
            said = f"  {runs}  (heuristic, confidence {one.confidence:.2f})" if number == 0 else "  the same runs"
            lines.append(Text.assemble("  " if number == 0 else "    or ", *place, (said, "dim")))
        if one.more:
            lines.append(Text(f"    and {one.more} more places that the same runs went through", style="dim"))
    return Group(*lines)


def _parts(one: Attribution, run: Htir) -> Iterator[RenderableType]:
    sure = f"  confidence {one.confidence:.2f}, {one.evidence.value}" if one.confidence else ""
    tie = "  the evidence does not tell them apart" if one.tied else ""
    yield Text.assemble(("at fault: ", "bold"), whose(one), (sure + tie, "dim"))
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", style="blue", no_wrap=True, min_width=9)
    grid.add_column(overflow="fold")
    grid.add_row("seen:", plain(one.noticed))
    shown = [cause for cause in one.causes if cause.weight >= UNLIKELY][:MOST_CAUSES]
    for number, cause in enumerate(shown):
        grid.add_row(_label(one, cause, number), _cause(cause))
    if not shown:
        grid.add_row("because:", Text("nothing in the run says why", style="dim"))
    for missing in one.missing:
        grid.add_row(Text("not known:", style="yellow"), plain(missing))
    yield grid
    if len(one.path) > 1:
        yield Text("  the way:", style="blue")
        yield _way(one, run)


def _label(one: Attribution, cause: Cause, number: int) -> str:
    if one.tied:
        return "either:" if number == 0 else "or:"
    return "because:" if number == 0 else "and:" if cause.verdict is one.verdict else "or else:"


def _cause(cause: Cause) -> Text:
    return Text.assemble(
        (cause.verdict.value, VERDICT_STYLE[cause.verdict]),
        (f" {cause.weight:.2f}  ", "dim"),
        one_line(cause.reason, 300, ends=False),
    )


def _way(one: Attribution, run: Htir) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold", justify="right")
    table.add_column(no_wrap=True, max_width=44, overflow="ellipsis")
    table.add_column(no_wrap=True, overflow="ellipsis")
    for hop in one.path:
        step = run.step(hop.step)
        mark = Text("  ▲", style="bold red") if hop.step == one.origin else Text("  │", style="dim")
        table.add_row(mark, hop.step, f"{step.kind.value} {one_line(step.name, 40)}", one_line(hop.reason, 90))
        if hop.link:
            table.add_row(Text("  │", style="dim"), "", Text(_link(hop), style="dim"), "")
    return table


def _link(hop: Hop) -> str:
    words = LINK_WORDS.get(hop.link, hop.link.replace("_", " "))
    return f"↓ {words}" + (f": {one_line(hop.detail, 70)}" if hop.detail else "")
