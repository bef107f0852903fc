"""Words that follow numbers."""

from collections.abc import Iterable

from harnessfix_ir.findings import FlawRecord


def counted(number: int, noun: str) -> str:
    """`1 run`, `1,200 runs`. The plural is made with an s."""
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def said_of(flaws: Iterable[FlawRecord]) -> str:
    """How many flaws, and how many places that are only worth a look: `2 flaws`, `no flaw, 3 places to look at`."""
    blames = [flaw.best.blames for flaw in flaws]
    number, places = sum(blames), blames.count(False)
    if not places:
        return counted(number, "flaw")
    return f"{counted(number, 'flaw') if number else 'no flaw'}, {counted(places, 'place')} to look at"


def seen_in(flaw: FlawRecord) -> str:
    """In which runs a flaw was seen at work; for one that only the source shows, how many runs went through it."""
    runs = ((flaw.support.failed, "failed"), (flaw.support.passed, "passed"), (flaw.support.unknown, "unlabelled"))
    counts = [counted(number, f"{word} run") for number, word in runs if number]
    if counts:
        return "in " + ", ".join(counts)
    went = flaw.reached.failed + flaw.reached.passed + flaw.reached.unknown
    return f"in the source, and {counted(went, 'recorded run')} went through it" if went else "in the source alone"
