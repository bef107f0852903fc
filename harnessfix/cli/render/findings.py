"""Findings in the terminal: what happened in this run, the lines to blame, and what to do."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from harnessfix.cli import data, talk
from harnessfix.cli.plain import one_line, plain
from harnessfix.diagnoser import Diagnosed, Work
from harnessfix.words import counted, said_of, seen_in
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import FlawRecord

from .layers import LAYER_STYLE, SEVERITY_STYLE
from .verdicts import suspect_list, verdict_list

CONTEXT_LINES = 1
MOST_LINES = 7


def finding_view(flaw: FlawRecord, roots: tuple[Path, ...], *, run_name: str = "", options: str = "") -> RenderableType:
    """One flaw in the manner of a compiler's message.

    Args:
        flaw: the flaw.
        roots: folders that anchors are relative to, for the excerpt.
        run_name: name of the run that is told, for the message.
        options: what `harnessfix repair` has to be told to find it again, with a blank before it.
    """
    return Group(*list(_parts(flaw, roots, run_name, options)))


def _parts(flaw: FlawRecord, roots: tuple[Path, ...], run_name: str, options: str) -> Iterator[RenderableType]:
    best = flaw.best
    yield Text.assemble(
        (f"{best.severity.value}", SEVERITY_STYLE[best.severity]),
        (f"[{best.rule}] ", "bold"),
        (best.name, "bold"),
        "  ",
        (best.layer.value, LAYER_STYLE[best.layer]),
        (f"  {flaw.flaw}", "dim"),
    )
    anchor = best.anchors[0]
    yield Text.assemble(("  --> ", "blue"), (plain(anchor.place), "bold"), (f"  in {plain(anchor.qualname)}", "dim"))
    yield from _excerpt(anchor, roots)
    yield Padding(Text(plain(best.message)), (0, 0, 0, 2))
    if best.run is not None:
        steps = " → ".join(best.path) or (best.responsible_step or "")
        where = f"run {best.run[:8]}" + (f" ({one_line(run_name, 40)})" if run_name else "")
        shown = (("steps: ", "blue"), (plain(steps), "bold"), "  ") if steps else ()
        yield Text.assemble("  ", *shown, (f"in {where}", "dim"))
    for where, text in best.quotes[:3]:
        yield Text.assemble(("  │ ", "blue"), (f"{plain(where)}: ", "dim"), (one_line(text, 96), "italic"))
    yield _known(flaw)
    for clone in flaw.clones[:4]:
        yield Text.assemble(("  also: ", "blue"), (plain(clone.place), "dim"))
    if len(flaw.clones) > 4:
        yield Text(f"        and {len(flaw.clones) - 4} more places", style="dim")
    for missing in best.missing:
        yield Text.assemble(("  not known: ", "yellow"), plain(missing))
    if best.operator:
        command = f"   harnessfix repair {flaw.flaw}{plain(options)}"
        yield Text.assemble(("  repair: ", "blue"), best.operator, (command, "dim"))


def _known(flaw: FlawRecord) -> Text:
    best = flaw.best
    seen = seen_in(flaw)
    return Text.assemble(
        ("  known: ", "blue"), (f"{best.evidence.value}, confidence {best.confidence:.2f}, {seen}", "dim")
    )


def _excerpt(anchor: Anchor, roots: tuple[Path, ...]) -> Iterator[RenderableType]:
    lines = source_lines(anchor.path, roots)
    if not lines or anchor.start_line > len(lines):
        return
    first = max(1, anchor.start_line - CONTEXT_LINES)
    last = min(len(lines), anchor.end_line + CONTEXT_LINES, first + MOST_LINES - 1)
    width = len(str(last))
    for number in range(first, last + 1):
        inside = anchor.start_line <= number <= anchor.end_line
        text = plain(lines[number - 1].replace("\t", "    "))[:160]
        yield _cropped(
            (f"  {number:>{width}} ", "dim"),
            ("┃ " if inside else "│ ", "red" if inside else "dim"),
            (text, "" if inside else "dim"),
        )
    if anchor.end_line > last:
        yield Text(f"  {'':>{width}} ┃ … to line {anchor.end_line}", style="dim")


def _cropped(*parts: tuple[str, str]) -> Text:
    """One line, cut at the edge rather than wrapped."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def source_lines(path: str, roots: tuple[Path, ...]) -> list[str]:
    """Lines of `path` below the first root that has it; empty when none has. Never leaves the root."""
    for root in roots:
        base = root.resolve()
        file = (base / path).resolve()
        if file.is_file() and file.is_relative_to(base):
            return file.read_text("utf-8", "replace").splitlines()
    return []


def print_findings(found: Diagnosed, output_format: str, options: Mapping[Path, str] | None = None) -> None:
    """All findings of a check, then one line that sums them up, then what was not complete.

    Args:
        found: what was diagnosed.
        output_format: `text`, `concise` (a line each) or `github` (workflow annotations).
        options: of `harnessfix repair`, by folder of the source that was checked alone.
    """
    if output_format == "concise":
        for flaw in found.flaws:
            best = flaw.best
            data.show(f"{plain(best.anchors[0].place)}: {best.rule} {best.name}: {one_line(best.message, 160)}")
    elif output_format == "github":
        for flaw in found.flaws:
            data.show(_annotation(flaw))
    else:
        for flaw in found.flaws:
            data.show(finding_view(flaw, found.roots, options=_options(flaw, options or {})), "")
        if found.attributions:
            data.show(verdict_list(found.attributions.values(), found.names), "")
        if found.suspects:
            data.show(suspect_list(found.suspects), "")
    talk.warn(found.incomplete)
    talk.warn(found.notes, title="comment")
    if output_format == "text":
        data.show(_sum(found))
        if found.runs:
            talk.note(_work(found.work), "dim")


def _options(flaw: FlawRecord, options: Mapping[Path, str]) -> str:
    path = flaw.best.anchors[0].path
    return next((said for root, said in options.items() if source_lines(path, (root,))), "")


def _work(work: Work) -> str:
    """What had to be done, and what was skipped because nothing it depends on has changed."""
    said = [
        (work.unchanged, "unchanged since the last check (same bytes, outcome, harness and rules): skipped"),
        (work.asked_again, "compiled before: only new or changed rules asked"),
        (work.compiled, "compiled and diagnosed"),
        (work.left_out, "left out, see above"),
    ]
    return "runs: " + "; ".join(f"{count} {what}" for count, what in said if count)


def _annotation(flaw: FlawRecord) -> str:
    best, anchor = flaw.best, flaw.best.anchors[0]
    level = {"error": "error", "warning": "warning", "info": "notice"}[best.severity.value]
    message = one_line(best.message, 400).replace("%", "%25")
    place = f"file={plain(anchor.path)},line={anchor.start_line},endLine={anchor.end_line}"
    return f"::{level} {place},title={best.rule} {best.name}::{message}"


def _sum(found: Diagnosed) -> Text:
    runs = counted(found.runs, "run") if found.runs else "source alone"
    files = [file for model in found.models.values() for file in model.files]
    skipped = sum(bool(file.error) for file in files)
    checked = f"({runs}, {counted(len(files) - skipped, 'file')} checked{f', {skipped} skipped' if skipped else ''})"
    hidden = f", {found.suppressed} suppressed" if found.suppressed else ""
    hidden += f", {found.known} in the baseline" if found.known else ""
    hidden += f", {found.outdated} about code that has changed since: record again" if found.outdated else ""
    if not found.flaws and not found.runs and len(files) == skipped:
        return Text.assemble(("nothing was checked ", "bold yellow"), (checked, "dim"))
    if not found.flaws:
        return Text.assemble(
            ("no new flaws " if found.known else "no flaws found ", "bold green"), (f"{checked}{hidden}", "dim")
        )
    layers = len({flaw.best.layer for flaw in found.flaws if flaw.best.blames})
    where = f" on {counted(layers, 'layer')}" if layers else ""
    return Text.assemble(
        (f"{said_of(found.flaws)}{where} ", "bold"),
        (f"{checked}{hidden}", "dim"),
    )
