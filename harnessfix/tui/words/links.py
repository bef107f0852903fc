"""Links in words: why a step is linked to another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content

from harnessfix.cli.plain import one_line
from harnessfix.tui import looks
from harnessfix.tui.widgets.rows import Column
from harnessfix.tui.words.plainly import beginning
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Span, TraceLink, TraceStep
from harnessfix_ir.vocabulary import LinkKind

BACKWARD = {
    LinkKind.FOLLOWS: "follows",
    LinkKind.COPIED: "copied from",
    LinkKind.TRUNCATED: "cut from",
    LinkKind.TRANSFORMED: "made from",
    LinkKind.OMITTED: "leaves out",
    LinkKind.ITERATION: "next round after",
    LinkKind.BRANCH: "call asked for by",
    LinkKind.RETRY_OF: "retry of",
    LinkKind.HANDLED_BY: "handles",
    LinkKind.GUARDED_BY: "guarded by",
    LinkKind.DELEGATED_TO: "delegated by",
    LinkKind.TERMINATED_BY: "ended",
    LinkKind.WROTE_READ: "reads what wrote",
}
FORWARD = {
    LinkKind.FOLLOWS: "followed by",
    LinkKind.COPIED: "copied into",
    LinkKind.TRUNCATED: "cut in",
    LinkKind.TRANSFORMED: "made into",
    LinkKind.OMITTED: "left out of",
    LinkKind.ITERATION: "next round is",
    LinkKind.BRANCH: "asked for call",
    LinkKind.RETRY_OF: "tried again in",
    LinkKind.HANDLED_BY: "handled by",
    LinkKind.GUARDED_BY: "guards",
    LinkKind.DELEGATED_TO: "delegates to",
    LinkKind.TERMINATED_BY: "ended by",
    LinkKind.WROTE_READ: "wrote what reads",
}
ORDER = (
    *(LinkKind.TRUNCATED, LinkKind.OMITTED, LinkKind.RETRY_OF, LinkKind.HANDLED_BY, LinkKind.TERMINATED_BY),
    *(LinkKind.TRANSFORMED, LinkKind.COPIED, LinkKind.WROTE_READ, LinkKind.DELEGATED_TO, LinkKind.GUARDED_BY),
    *(LinkKind.BRANCH, LinkKind.ITERATION, LinkKind.FOLLOWS),
)
"""Most telling first."""

COLUMNS = (Column("why", 17), Column("step", share=2, least=14), Column("how", share=3), Column("known", 9))


@dataclass(frozen=True)
class LinkRow:
    """A link seen from one of its ends: `other` is the step at the far end, `back` when that is the source."""

    link: TraceLink
    other: TraceStep
    back: bool

    @property
    def words(self) -> str:
        """The relation, read from this end."""
        return (BACKWARD if self.back else FORWARD)[self.link.kind]


def link_rows(run: Htir, step: TraceStep) -> Sequence[LinkRow]:
    """Links of a step, most telling first; those to earlier steps before those to later ones."""
    return sorted(_all_rows(run, step), key=lambda row: (ORDER.index(row.link.kind), not row.back))


def _all_rows(run: Htir, step: TraceStep) -> Iterator[LinkRow]:
    for back, links in ((True, run.links_to(step.id)), (False, run.links_from(step.id))):
        for link in links:
            try:
                yield LinkRow(link, run.step(link.source if back else link.target), back)
            except KeyError:
                continue


def link_cells(row: LinkRow) -> Sequence[Content]:
    """One line of the table of links."""
    arrow = "← " if row.back else "→ "
    other = row.other
    return (
        Content.styled(arrow + row.words, looks.FAMILY[row.link.family]),
        Content.assemble(
            (one_line(other.id, 12), "bold"), f" {one_line(other.name, 60)} ", (other.kind.value, looks.DIM)
        ),
        Content(beginning(row.link.detail)),
        Content.styled(row.link.evidence.value, looks.DIM),
    )


def link_quote(run: Htir, row: LinkRow) -> Content:
    """A link in full: what it says, where its ends are, and how the linked text begins."""
    link = row.link
    said = Content.assemble((f"{row.words} {one_line(row.other.id, 12)}", "bold"), f"  {beginning(link.detail)}")
    if link.source_span is None:
        return said
    ends = f"{one_line(link.source, 12)} {_range(link.source_span)}"
    if link.target_span is not None:
        ends += f" → {one_line(link.target, 12)} {_range(link.target_span)}"
    quote = beginning(_quoted(run, run.step(link.source), link.source_span))
    return Content("\n").join([said, Content.styled(ends, looks.DIM), Content.styled(quote, "italic")])


def _range(span: Span) -> str:
    side = "input" if span.side == "in" else "output"
    return f"{side} {span.part + 1}, characters {span.start:,}–{span.end:,}"


def _quoted(run: Htir, step: TraceStep, span: Span) -> str:
    parts = step.input if span.side == "in" else step.output
    if not 0 <= span.part < len(parts):
        return ""
    start = max(0, span.start)
    return run.text(parts[span.part])[start : max(start, span.end)][:400]
