"""A run as a story: one line a step, indented by what happened inside what, with what was cut, lost or handed on."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from harnessfix.cli.plain import one_line, plain
from harnessfix.words import counted
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, StepEvent, TraceLink, TraceStep
from harnessfix_ir.vocabulary import LinkKind, Status, StepKind

from .layers import OUTCOME_MARK, OUTCOME_STYLE, STATUS_MARK, STATUS_STYLE
from .lines import Column, Lines

KIND_STYLE = {
    StepKind.TASK: "bold",
    StepKind.MODEL_CALL: "bright_cyan",
    StepKind.TOOL_CALL: "bright_yellow",
    StepKind.ERROR: "red",
    StepKind.PARSE: "bright_magenta",
    StepKind.CONTEXT_BUILD: "bright_blue",
}
TOLD_LINKS = (LinkKind.TRUNCATED, LinkKind.OMITTED, LinkKind.RETRY_OF, LinkKind.HANDLED_BY)
UNTOLD = ("loop", "element")
DEEPEST = 12
WIDE = 140


def run_heading(run: Htir) -> Text:
    """One line for the whole run."""
    info, steps = run.run, run.steps
    counts = [(len(steps), "step"), (sum(s.kind is StepKind.MODEL_CALL for s in steps), "model call")]
    counts.append((sum(s.status is Status.ERROR for s in steps), "error"))
    said = " · ".join(counted(number, word) for number, word in counts)
    by = f" by {info.outcome_by}" if info.outcome_by else ""
    seconds = ""
    if info.started_ns is not None and info.ended_ns is not None:
        seconds = f" · {(info.ended_ns - info.started_ns) / 1e9:.2f} s"
    return Text.assemble(
        ("run ", "dim"),
        (info.id[:12], "bold"),
        "  ",
        one_line(info.name or info.task, 60),
        "  ",
        (f"{OUTCOME_MARK[info.outcome]} {info.outcome.value}{by}", OUTCOME_STYLE[info.outcome]),
        (f"  {said}{seconds}", "dim"),
    )


def story(run: Htir, diagnoses: list[Diagnosis], width: int) -> RenderableType:
    """The steps of a run.

    Args:
        run: compiled.
        diagnoses: of this run; each is told below its responsible step.
        width: columns of the terminal.
    """
    wide = max(30, width // 2 - 10)
    lines = Lines(
        Column(least=2, style="dim", right=True), Column(most=46), Column(most=wide), Column(least=12, style="dim")
    )
    blamed: dict[str, list[Diagnosis]] = {}
    for diagnosis in diagnoses:
        blamed.setdefault(diagnosis.responsible_step or "", []).append(diagnosis)
    for told in _folded(list(_in_order(run)), blamed):
        if isinstance(told, Again):
            lines.add("", told.words, "", "")
            continue
        step, depth = told
        place = step.anchors[0].place if step.anchors else ""
        place = place if width >= WIDE else place.rpartition("/")[2]
        lines.add(step.id, _name(step, depth), _said(run, step, wide), plain(place))
        for note in _notes(run, step):
            lines.add("", "", note, "")
        for diagnosis in blamed.get(step.id, ()):
            lines.add("", "", Text(f"▲ {diagnosis.rule} {diagnosis.name}  {diagnosis.flaw}", style="bold red"), "")
    return lines


def _in_order(run: Htir) -> Iterator[tuple[TraceStep, int]]:
    depth: dict[str, int] = {}
    for step in run.steps:
        depth[step.id] = depth.get(step.parent, -1) + 1 if step.parent is not None else 0
        yield step, min(depth[step.id], DEEPEST)


@dataclass(frozen=True)
class Again:
    """Exceptions that were raised and taken in the same places as the ones before.

    Args:
        times: how often.
        first, last: ids of the first and last step that is left out.
        depth: how deep they stand.
    """

    times: int
    first: str
    last: str
    depth: int

    @property
    def words(self) -> Text:
        """One line for all of them."""
        return Text(
            f"{'  ' * self.depth}⋮ the same {counted(self.times, 'time')} more: {self.first} to {self.last}", "dim"
        )


def _folded(steps: Sequence[tuple[TraceStep, int]], kept: Container[str]) -> Iterator[tuple[TraceStep, int] | Again]:
    """Steps with their depth; an exception that is raised and taken as the one before it is only counted.

    Args:
        steps: of a run, in order.
        kept: ids of steps that are told in any case.
    """
    before: object = None
    left_out: list[tuple[TraceStep, int]] = []
    at = 0
    while at < len(steps):
        pair = steps[at : at + 2]
        taken = _taken(pair)
        if taken is not None and taken == before and not any(step.id in kept for step, _ in pair):
            left_out += pair
            at += 2
            continue
        yield from _again(left_out)
        before, left_out = taken, []
        told = pair if taken is not None else pair[:1]
        yield from told
        at += len(told)
    yield from _again(left_out)


def _again(pairs: Sequence[tuple[TraceStep, int]]) -> Iterator[Again]:
    if pairs:
        yield Again(len(pairs) // 2, pairs[0][0].id, pairs[-1][0].id, pairs[0][1])


def _taken(pair: Sequence[tuple[TraceStep, int]]) -> object:
    """What tells an exception, raised in one step and taken in the next, from others; None for other steps."""
    if len(pair) < 2 or any(step.kind is not StepKind.ERROR or not step.anchors for step, _ in pair):
        return None
    (raised, depth), (taken, _) = pair
    if not raised.name.startswith("raise") or not taken.name.startswith("except") or raised.error is None:
        return None
    return depth, raised.error.type, raised.error.message, raised.anchors[0].place, taken.anchors[0].place, taken.parent


def _name(step: TraceStep, depth: int) -> Text:
    mark = STATUS_MARK[step.status]
    return Text.assemble(
        "  " * depth,
        (f"{mark} ", STATUS_STYLE[step.status]),
        (step.kind.value, KIND_STYLE.get(step.kind, "dim")),
        " ",
        one_line(step.name, 44),
    )


def _said(run: Htir, step: TraceStep, width: int) -> Text:
    if step.error is not None:
        return Text(one_line(f"{step.error.type.rpartition('.')[2]}: {step.error.message}", width), style="red")
    if step.kind is StepKind.MODEL_CALL:
        return Text.assemble((f"{len(step.input)} in → ", "dim"), _parts(run, step.output, width - 12))
    if step.kind in (StepKind.TOOL_CALL, StepKind.PARSE, StepKind.CONTEXT_BUILD):
        if not step.output:
            return _parts(run, step.input, width)
        return Text.assemble(_parts(run, step.input, width // 2), (" → ", "dim"), _parts(run, step.output, width // 2))
    return _parts(run, step.output, width)


def _parts(run: Htir, parts: tuple[Part, ...], width: int) -> Text:
    pieces = []
    for part in parts[:3]:
        text = run.text(part)
        pieces.append(f"{part.name}({text or '…'})" if part.kind == "tool_call" else text)
    more = f" +{len(parts) - 3} parts" if len(parts) > 3 else ""
    return Text(one_line(" | ".join(pieces) + more, max(16, width)))


def _notes(run: Htir, step: TraceStep) -> Iterator[Text]:
    for link in run.links_to(step.id, *TOLD_LINKS):
        yield Text(f"⤷ {_relation(link)}", style="yellow" if link.kind is not LinkKind.HANDLED_BY else "dim")
    for event in step.events:
        if event.name == "loop_ended" and event.attributes.get("n") in (0, 1):
            continue
        told = ", ".join(
            f"{key} {one_line(str(value), 60)}" for key, value in event.attributes.items() if key not in UNTOLD
        )
        if event.name == "prefix_broken":
            yield Text(f"· {_rewritten(event)}", style="yellow")
        if event.name in ("loop_ended", "children_alive", "cut", "capped", "limit"):
            yield Text(
                f"· {event.name.replace('_', ' ')}: {told}", style="yellow" if event.name != "loop_ended" else "dim"
            )
    for missing in step.missing:
        yield Text(f"? {plain(missing)}", style="yellow")


def _rewritten(event: StepEvent) -> str:
    """What became of the conversation that the request before had, in words."""
    said = event.attributes
    gone = f", {said['dropped']} of them gone" if said.get("dropped") else ""
    return (
        f"context rewritten: of the {said.get('parts_before')} parts of {said.get('previous')}'s request "
        f"{said.get('part')} begin this one{gone}"
    )


def _relation(link: TraceLink) -> str:
    words = {
        LinkKind.TRUNCATED: "cut from",
        LinkKind.OMITTED: "left out what was in",
        LinkKind.RETRY_OF: "retry of",
        LinkKind.HANDLED_BY: "handles",
    }
    detail = f" ({plain(link.detail)})" if link.detail else ""
    return f"{words[link.kind]} {link.source}{detail}"
