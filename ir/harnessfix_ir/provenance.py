"""Where each character of a step's input came from, and what became of its output."""

from collections.abc import Iterable, Iterator

from .document import Document
from .htir import Htir
from .steps import Part, Span, TraceLink, TraceStep
from .vocabulary import Evidence, LinkFamily, LinkKind


class Origin(Document):
    """Characters [start, end) of a part, and where they came from; `source` is None where nobody knows.

    Args:
        source: id of the step whose text this was.
        source_span: which characters of it.
        kind: copied, truncated or transformed; None without a source.
        evidence: rung of the ladder of the link.
        detail: in words.
    """

    start: int
    end: int
    source: str | None = None
    source_span: Span | None = None
    kind: LinkKind | None = None
    evidence: Evidence | None = None
    detail: str = ""


class PartOrigin(Document):
    """One part of a step's input, or of an output that harness code made.

    Args:
        side, part: which part it is.
        role, name, length: of that part; the length in characters.
        resent_since: id of the step that was first given this part, None when it is new here.
        ranges: all its characters in order, without gaps.
    """

    side: str
    part: int
    role: str
    name: str | None = None
    length: int
    resent_since: str | None = None
    ranges: tuple[Origin, ...] = ()


class Fate(Document):
    """What became of characters [start, end) of an output: where they went, or the request that lacks them."""

    start: int
    end: int
    target: str
    target_span: Span | None = None
    kind: LinkKind
    evidence: Evidence
    detail: str = ""


class PartFate(Document):
    """One output part, its length in characters, and what became of it, in order of the steps it went to."""

    part: int
    role: str
    name: str | None = None
    length: int
    fates: tuple[Fate, ...] = ()


class StepExplanation(Document):
    """A step's input with its origins and its output with its fate.

    Args:
        step: its id.
        inputs, made: origins of the input parts, and of output parts that harness code made from other texts.
        outputs: what became of the output parts.
        errors: where its error message went.
        lost: texts of earlier steps that this request lacks, or that it should have held.
    """

    step: str
    inputs: tuple[PartOrigin, ...] = ()
    made: tuple[PartOrigin, ...] = ()
    outputs: tuple[PartFate, ...] = ()
    errors: tuple[Fate, ...] = ()
    lost: tuple[TraceLink, ...] = ()


def explain_step(htir: Htir, step_id: str) -> StepExplanation:
    """Explain one step of a run. Raises `KeyError` for an id that the run does not have."""
    step = htir.step(step_id)
    data = [link for link in htir.links if link.family is LinkFamily.DATA]
    given = [link for link in data if link.kind is not LinkKind.OMITTED and link.target_span is not None]
    here = [link for link in given if link.target == step_id]
    made = [link for link in here if link.target_span is not None and link.target_span.side == "out"]
    history = _History(htir, step, given)
    return StepExplanation(
        step=step_id,
        inputs=tuple(history.origin(number) for number in range(len(step.input))),
        made=tuple(
            _part_origin(htir, step.output[number], "out", number, made, None)
            for number in sorted({link.target_span.part for link in made if link.target_span is not None})
        ),
        outputs=tuple(
            PartFate(
                part=number,
                role=part.role,
                name=part.name,
                length=len(htir.text(part)),
                fates=_fates(step, data, number),
            )
            for number, part in enumerate(step.output)
        ),
        errors=tuple(_fate(link) for link in data if link.source == step_id and link.source_span is None),
        lost=tuple(link for link in data if link.target == step_id and link.kind is LinkKind.OMITTED),
    )


class _History:
    """Finds the step that was first given a part of a resent history, and the links it had there."""

    def __init__(self, htir: Htir, step: TraceStep, given: Iterable[TraceLink]) -> None:
        self.htir = htir
        self.step = step
        wanted = {part.text for part in step.input}
        self.links: dict[tuple[str, str], list[TraceLink]] = {}
        for link in given:
            span = link.target_span
            if span is not None and span.side == "in":
                text = htir.step(link.target).input[span.part].text
                if text in wanted:
                    self.links.setdefault((link.target, text), []).append(link)
        self.first: dict[str, str] = {}
        for other in htir.steps:
            if other.id == step.id or not wanted:
                break
            if other.kind is step.kind and other.agent == step.agent:
                held = wanted.intersection(part.text for part in other.input)
                self.first.update((text, other.id) for text in held)
                wanted -= held

    def origin(self, number: int) -> PartOrigin:
        """Where part `number` of the input came from: its own links, else those of the request it is resent from."""
        part = self.step.input[number]
        own = [link for link in self.links.get((self.step.id, part.text), ()) if _is_part(link, number)]
        first = self.first.get(part.text)
        if own or first is None:
            return _part_origin(self.htir, part, "in", number, own, None)
        return _part_origin(self.htir, part, "in", number, self.links.get((first, part.text), ()), first)


def _is_part(link: TraceLink, number: int) -> bool:
    return link.target_span is not None and link.target_span.part == number


def _part_origin(
    htir: Htir, part: Part, side: str, number: int, links: Iterable[TraceLink], first: str | None
) -> PartOrigin:
    length = len(htir.text(part))
    ranges: list[Origin] = []
    at = 0
    for target, source, link in sorted(_stretches(links), key=lambda entry: (entry[0].start, -entry[0].end)):
        if target.side != side or (first is None and target.part != number) or target.end <= at:
            continue
        if target.start > at:
            ranges.append(Origin(start=at, end=target.start))
        ranges.append(
            Origin(
                start=max(target.start, at),
                end=target.end,
                source=link.source,
                source_span=source,
                kind=link.kind,
                evidence=link.evidence,
                detail=link.detail,
            )
        )
        at = target.end
    if at < length:
        ranges.append(Origin(start=at, end=length))
    return PartOrigin(
        side=side,
        part=number,
        role=part.role,
        name=part.name,
        length=length,
        resent_since=first,
        ranges=tuple(ranges),
    )


def _stretches(links: Iterable[TraceLink]) -> Iterator[tuple[Span, Span | None, TraceLink]]:
    """Target and source of each stretch of each link."""
    for link in links:
        if link.pieces:
            yield from ((target, source, link) for source, target in link.pieces)
        elif link.target_span is not None:
            yield link.target_span, link.source_span, link


def _fates(step: TraceStep, data: Iterable[TraceLink], number: int) -> tuple[Fate, ...]:
    own = (link for link in data if link.source == step.id and link.source_span is not None)
    return tuple(
        _fate(link)
        for link in own
        if link.source_span is not None and link.source_span.side == "out" and link.source_span.part == number
    )


def _fate(link: TraceLink) -> Fate:
    span = link.source_span
    return Fate(
        start=span.start if span else 0,
        end=span.end if span else 0,
        target=link.target,
        target_span=link.target_span,
        kind=link.kind,
        evidence=link.evidence,
        detail=link.detail,
    )
