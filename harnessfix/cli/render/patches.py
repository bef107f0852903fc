"""Patches in the terminal: the diff in colour, what is claimed, and why there is none where there is none."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from harnessfix.cli import data
from harnessfix.cli.plain import plain
from harnessfix_ir.vocabulary import Safety
from harnessfix_repairs.patch import Patch, Unrepaired

from .layers import LAYER_STYLE

if TYPE_CHECKING:
    from harnessfix.repair.proposing import Proposed
    from harnessfix_ir.findings import FlawRecord

SAFETY_STYLE = {Safety.SAFE: "green", Safety.UNSAFE: "yellow", Safety.DISPLAY_ONLY: "dim"}


def print_proposals(proposed: "Proposed", options: str = "") -> None:
    """All patches, then the flaws that have none, then one line that counts them.

    Args:
        proposed: what was made.
        options: what the next commands have to be told to find the flaws again, with a blank before it.
    """
    for patch in proposed.patches:
        data.show(patch_heading(patch, proposed.flaws.get(patch.flaw)), diff_text(patch.diff))
        for lesson in proposed.memory.get(patch.id, ()):
            data.show(Text.assemble(("memory: ", "cyan"), plain(lesson)))
        data.show("")
    for none in proposed.unrepaired:
        data.show(unrepaired_line(none))
    said = plain(options)
    number, without = len(proposed.patches), len(proposed.unrepaired)
    if not number and not without:
        data.show(Text("nothing to repair", style="bold green"))
        return
    data.show(
        Text.assemble(
            (f"{number} patch{'es' if number != 1 else ''}", "bold"),
            (f", {without} flaw{'s' if without != 1 else ''} without one" if without else "", "dim"),
            (f"   apply: harnessfix repair --apply FLAW{said}   prove: harnessfix validate{said}", "dim"),
        )
    )


def patch_heading(patch: Patch, flaw: "FlawRecord | None") -> Text:
    """One line: what is repaired, with what, how safe, how large."""
    heading = Text.assemble((f"{patch.rule} ", "bold"))
    if flaw is not None:
        heading.append(f"{flaw.best.name} ", "bold")
        heading.append(f"{flaw.best.layer.value}  ", LAYER_STYLE[flaw.best.layer])
    heading.append(patch.flaw, "dim")
    heading.append(f"  {patch.operator} ", "")
    heading.append(f"({patch.safety.value.replace('_', ' ')})", SAFETY_STYLE[patch.safety])
    heading.append(f"  +{patch.added} -{patch.removed}", "dim")
    return heading


def unrepaired_line(none: Unrepaired) -> Text:
    """One line: which flaw has no patch, and why."""
    return Text.assemble(
        (f"{none.rule} ", "bold"), (f"{none.flaw}  ", "dim"), (f"{none.status}: ", "yellow"), plain(none.reason)
    )


def diff_text(diff: str) -> Text:
    """A unified diff in colour."""
    text = Text()
    for line, style in _styled(diff):
        text.append(plain(line.replace("\t", "    ")) + "\n", style)
    text.rstrip()
    return text


def _styled(diff: str) -> Iterator[tuple[str, str]]:
    for line in diff.splitlines():
        if line.startswith(("diff --git", "index ", "+++", "---")):
            if not line.startswith(("diff --git", "index ")):
                yield line, "bold"
        elif line.startswith("@@"):
            yield line, "cyan"
        elif line.startswith("+"):
            yield line, "green"
        elif line.startswith("-"):
            yield line, "red"
        else:
            yield line, "dim"
