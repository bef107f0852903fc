"""Everything about one step: what it is, where its input came from, what became of its output, which code it was."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from harnessfix.cli.plain import one_line, plain
from harnessfix_ir.htir import Htir
from harnessfix_ir.provenance import Fate, Origin, PartFate, PartOrigin, explain_step
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import LinkFamily

from .layers import STATUS_STYLE

SHORT = 600
SHOWN_RANGES = 12
UNTOLD = ("children", "element", "roles")


def step_view(run: Htir, step_id: str, *, full: bool) -> RenderableType:
    """One step of a run.

    Args:
        run: compiled.
        step_id: of a step it holds.
        full: print texts whole; else their beginnings, with the number of characters left out.
    """
    return Group(*_lines(run, run.step(step_id), full))


def _lines(run: Htir, step: TraceStep, full: bool) -> Iterator[Text]:
    explained = explain_step(run, step.id)
    yield Text.assemble(
        (step.id, "bold"),
        "  ",
        step.kind.value,
        " ",
        (plain(step.name), "bold"),
        "  ",
        (step.status.value, STATUS_STYLE[step.status]),
        (f"  inside {step.parent}" if step.parent else "", "dim"),
        (f"  {step.seconds:.3f} s" if step.seconds is not None else "", "dim"),
    )
    for anchor in step.anchors:
        reason = f" ({anchor.reason})" if anchor.reason else ""
        yield _labelled(
            "code", f"{anchor.place} in {anchor.qualname}  {anchor.route.value}, {anchor.evidence.value}{reason}"
        )
    if step.error is not None:
        yield from _error(step)
    if step.finish_reason:
        yield _labelled("finished", step.finish_reason)
    if step.usage is not None:
        yield _labelled("tokens", f"{step.usage.input_tokens} in, {step.usage.output_tokens} out")
    for effect in step.effects:
        yield _labelled("effect", f"{effect.detail or effect.effect} {effect.resource}")
    for event in step.events:
        told = ", ".join(f"{key} {value}" for key, value in event.attributes.items())
        yield _labelled("event", one_line(f"{event.name}: {told}", 300))
    yield from _side(run, "input", step.input, explained.inputs, (), full)
    yield from _side(run, "output", step.output, explained.made, explained.outputs, full)
    for link in run.links_to(step.id):
        if link.family is not LinkFamily.DATA:
            yield _labelled("link", f"{link.kind.value} {link.source} ({link.evidence.value}) {link.detail}")
    for link in run.links_from(step.id):
        if link.family is not LinkFamily.DATA:
            yield _labelled("link", f"{link.target} {link.kind.value} this ({link.evidence.value}) {link.detail}")
    for fate in explained.errors:
        yield _labelled("error text", _fate(fate))
    for lost in explained.lost:
        yield _labelled("lacks", f"what was in {lost.source} ({lost.evidence.value}) {lost.detail}", "yellow")
    for missing in step.missing:
        yield _labelled("not known", missing, "yellow")
    for key, value in step.attributes.items():
        if key not in UNTOLD:
            yield _labelled(key, one_line(str(value), 300), "dim")


def _error(step: TraceStep) -> Iterator[Text]:
    error, depth = step.error, 0
    while error is not None and depth < 6:
        yield _labelled("error" if depth == 0 else "caused by", f"{error.type}: {error.message}", "red")
        for line in error.traceback.splitlines()[-8:]:
            yield Text(f"              {plain(line)}", style="dim")
        error, depth = error.cause, depth + 1


def _side(
    run: Htir,
    side: str,
    parts: Sequence[Part],
    origins: Sequence[PartOrigin],
    fates: Sequence[PartFate],
    full: bool,
) -> Iterator[Text]:
    by_origin = {origin.part: origin for origin in origins}
    by_fate = {fate.part: fate for fate in fates}
    for number, part in enumerate(parts):
        text = run.text(part)
        name = f" {part.name}" if part.name else ""
        yield Text.assemble(
            (f"  {side} {number}", "bold cyan"), f"  {part.role}{plain(name)}", (f"  {len(text):,} characters", "dim")
        )
        shown = text if full or len(text) <= SHORT else text[:SHORT]
        for line in plain(shown).splitlines() or [""]:
            yield Text(f"    │ {line}")
        if len(shown) < len(text):
            yield Text(f"    │ … {len(text) - len(shown):,} more characters (--full)", style="dim")
        origin = by_origin.get(number)
        if origin is not None:
            yield from _origins(origin)
        fate = by_fate.get(number)
        for each in fate.fates[:SHOWN_RANGES] if fate is not None else ():
            yield Text.assemble(("      → ", "blue"), plain(_fate(each)))
        if fate is not None and not fate.fates:
            yield Text("      → nowhere: no later step holds it", style="yellow")


def _origins(origin: PartOrigin) -> Iterator[Text]:
    if origin.resent_since:
        yield Text.assemble(("      ← ", "blue"), f"resent since {origin.resent_since}")
        return
    for each in origin.ranges[:SHOWN_RANGES]:
        yield Text.assemble(("      ← ", "blue"), plain(_origin(each)))
    if len(origin.ranges) > SHOWN_RANGES:
        yield Text(f"      ← and {len(origin.ranges) - SHOWN_RANGES} more stretches", style="dim")


def _origin(origin: Origin) -> str:
    place = f"{origin.start:,}–{origin.end:,}"
    if origin.source is None or origin.kind is None or origin.evidence is None:
        return f"{place} not from an earlier step"
    span = origin.source_span
    there = f" {span.side}put {span.part} [{span.start:,}–{span.end:,}]" if span is not None else ""
    return f"{place} {origin.kind.value} from {origin.source}{there} ({origin.evidence.value}) {origin.detail}"


def _fate(fate: Fate) -> str:
    return f"{fate.start:,}–{fate.end:,} {fate.kind.value}: {fate.target} ({fate.evidence.value}) {fate.detail}"


def _labelled(label: str, text: str, style: str = "") -> Text:
    return Text.assemble((f"  {plain(label):<10}  ", "dim"), (plain(text), style))
