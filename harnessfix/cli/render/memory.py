"""Remembered repairs in the terminal."""

from collections.abc import Sequence

from rich.text import Text

from harnessfix.cli import data
from harnessfix.cli.plain import one_line, plain
from harnessfix_repairs.memory import Remembered
from harnessfix_repairs.validation.documents import Outcome

from .proofs import STYLE

SHOWN = 3


def print_memory(records: Sequence[Remembered]) -> None:
    """One block a repair, the newest first."""
    if not records:
        data.show("nothing is remembered yet: harnessfix validate adds to it")
    for record in sorted(records, key=lambda record: -record.when_ns):
        data.show(_view(record), "")


def _view(record: Remembered) -> Text:
    text = Text.assemble(
        (f"{record.patch} ", "bold"),
        (record.outcome.value, STYLE.get(Outcome(record.outcome), "bold red")),
        (f"  by {record.by}\n", "dim"),
        f"  {plain(record.reason) or 'no reason was given'}\n",
        (f"  applies to {plain(record.applies_to)}\n", "dim"),
    )
    for words in record.evidence[-SHOWN:]:
        text.append(f"  evidence: {one_line(words, 160)}\n", "dim")
    text.rstrip()
    return text
