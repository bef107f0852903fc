"""Rows of cells on a terminal: one line each, whatever is in them and however narrow it is."""

import io

from rich.console import Console
from rich.text import Text

from harnessfix.cli.render.lines import Column, Lines


def shown(lines: Lines, width: int = 80) -> list[str]:
    """The lines that a console of that width prints."""
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(lines)
    return console.export_text().split("\n")[:-1]


def table(*rows: tuple[str, str, str]) -> Lines:
    lines = Lines(Column(right=True), Column(most=10), Column())
    for row in rows:
        lines.add(*row)
    return lines


def test_columns_are_as_wide_as_their_widest_cells_and_nothing_follows_the_last_word() -> None:
    rows = table(("s1", "a", "first"), ("s100", "longer", ""), ("", "", "note"))
    assert shown(rows) == ["  s1  a       first", "s100  longer", "              note"]


def test_what_does_not_fit_is_cut_in_the_widest_column_first() -> None:
    rows = table(("s1", "a name that is long", "x" * 40), ("s2", "b", "y"))
    assert shown(rows)[0] == "s1  a name th…  " + "x" * 40
    assert shown(rows, 30) == ["s1  a name th…  " + "x" * 13 + "…", "s2  b           y"]
    assert all(len(line) <= 9 for line in shown(rows, 9))


def test_a_cell_stays_on_its_line_and_says_what_it_holds() -> None:
    lines = Lines(Column(), Column())
    lines.add("[red]not markup[/red]", Text("two\nlines\tand a tab"))
    lines.add("次の日", "wide")
    assert shown(lines) == ["[red]not markup[/red]  two lines and a tab", "次の日" + " " * 17 + "wide"]


def test_no_rows_are_no_lines() -> None:
    assert shown(Lines(Column(), Column())) == []
