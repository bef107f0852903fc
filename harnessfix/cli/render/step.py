"""Everything about one step: what it is, which code it was, where its input came from, what became of its output."""

import json
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from harnessfix.cli.plain import one_line, plain
from harnessfix_ir.document import JsonValue
from harnessfix_ir.htir import Htir
from harnessfix_ir.provenance import PartFate, PartOrigin, StepExplanation, explain_step
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import LinkFamily

from .layers import STATUS_STYLE
from .step_words import fate_words, link_words, origin_words, rung

SHORT = 600
SHOWN_RANGES = 12
CALLED_FROM = "called_from"
UNTOLD = ("children", "element", "roles", "role", "self", CALLED_FROM)


def step_view(run: Htir, step_id: str, *, full: bool) -> RenderableType:
    """One step of a run.

    Args:
        run: compiled.
        step_id: of a step it holds.
        full: print texts whole; else their beginnings, with the number of characters left out.
    """
    step = run.step(step_id)
    explained = explain_step(run, step_id)
    lines = [_title(step)]
    for heading, told in (
        ("code", _code(step)),
        ("went wrong", _errors(step, explained)),
        ("input", _side(run, step.input, explained.inputs, (), full)),
        ("output", _side(run, step.output, explained.made, explained.outputs, full)),
        ("lacks", _lost(explained)),
        ("around it", _around(run, step)),
        ("events", _events(step)),
        ("more", _more(step)),
        ("not known", (_row(missing, "yellow") for missing in step.missing)),
    ):
        section = list(told)
        if section:
            lines += [Text(), Text(heading, style="bold"), *section]
    return Group(*lines)


def _title(step: TraceStep) -> Text:
    title = Text.assemble((step.id, "bold cyan"), "  ", step.kind.value, " ", (plain(step.name), "bold"), "  ")
    facts = [
        (step.status.value, STATUS_STYLE[step.status]),
        (f"inside {step.parent}" if step.parent else "", ""),
        (f"agent {plain(step.agent)}" if step.agent else "", ""),
        (f"{step.seconds:.3f} s" if step.seconds is not None else "", ""),
        (f"finished: {plain(step.finish_reason)}" if step.finish_reason else "", ""),
        (f"{step.usage.input_tokens} tokens in, {step.usage.output_tokens} out" if step.usage else "", ""),
    ]
    return title.append_text(Text(" · ", style="dim").join(Text(text, style or "dim") for text, style in facts if text))


def _code(step: TraceStep) -> Iterator[Text]:
    width = max((len(anchor.place) for anchor in step.anchors), default=0)
    for anchor in step.anchors:
        how = f"{anchor.reason} ({anchor.route.value}{rung(anchor.evidence).replace(' (', ', ')}"
        closed = how if how.endswith(")") else f"{how})"
        yield Text.assemble(
            ("  " + plain(anchor.place).ljust(width), "cyan"),
            "  ",
            plain(anchor.qualname),
            "  ",
            (plain(closed), "dim"),
        )
    callers = step.attributes.get(CALLED_FROM)
    if isinstance(callers, list) and callers:
        yield Text.assemble(("  called from ", "dim"), " ← ".join(_caller(frame) for frame in callers))


def _caller(frame: JsonValue) -> str:
    if isinstance(frame, list) and len(frame) == 3:
        path, qualname, line = frame
        return plain(f"{qualname} {path}:{line}")
    return one_line(str(frame), 80)


def _errors(step: TraceStep, explained: StepExplanation) -> Iterator[Text]:
    error, depth = step.error, 0
    while error is not None and depth < 6:
        yield _row(f"{'caused by ' if depth else ''}{error.type}: {error.message}", "red")
        for line in error.traceback.splitlines()[-8:]:
            yield Text(f"    {plain(line)}", style="dim")
        error, depth = error.cause, depth + 1
    for fate in explained.errors:
        yield Text.assemble(("  → ", "blue"), plain(fate_words(fate, 0)))


def _side(
    run: Htir, parts: Sequence[Part], origins: Sequence[PartOrigin], fates: Sequence[PartFate], full: bool
) -> Iterator[Text]:
    by_origin = {origin.part: origin for origin in origins}
    by_fate = {fate.part: fate for fate in fates}
    for number, part in enumerate(parts):
        origin, fate = by_origin.get(number), by_fate.get(number)
        resent = origin.resent_since if origin is not None else None
        yield _part_title(number, part, len(run.text(part)), resent)
        yield from _quoted(run.text(part), full)
        if origin is not None and not resent:
            yield from _arrows("←", [origin_words(each, origin.length) for each in origin.ranges])
        if fate is not None:
            yield from _arrows("→", [fate_words(each, fate.length) for each in fate.fates])
            if not fate.fates and fate.length:
                yield Text("    → nowhere: no later step holds it", style="yellow")


def _part_title(number: int, part: Part, length: int, resent: str | None) -> Text:
    return Text.assemble(
        (f"  {number}  ", "cyan"),
        (plain(part.role), "bold"),
        plain(f" {part.name}" if part.name else ""),
        (f"  {length:,} characters{f', resent since {resent}' if resent else ''}", "dim"),
    )


def _quoted(text: str, full: bool) -> Iterator[Text]:
    shown = text if full or len(text) <= SHORT else text[:SHORT]
    for line in plain(shown).splitlines() or [""]:
        yield Text.assemble(("    │ ", "dim"), line)
    if len(shown) < len(text):
        yield Text(f"    │ … {len(text) - len(shown):,} more characters (--full)", style="dim")


def _arrows(arrow: str, told: Sequence[str]) -> Iterator[Text]:
    for words in told[:SHOWN_RANGES]:
        yield Text.assemble((f"    {arrow} ", "blue"), plain(words))
    if len(told) > SHOWN_RANGES:
        yield Text(f"    {arrow} and {len(told) - SHOWN_RANGES} more", style="dim")


def _lost(explained: StepExplanation) -> Iterator[Text]:
    for lost in explained.lost:
        yield _row(f"what was in {lost.source}: {lost.detail}{rung(lost.evidence)}", "yellow")


def _around(run: Htir, step: TraceStep) -> Iterator[Text]:
    told: Iterable[str] = (
        link_words(link, step.id)
        for link in (*run.links_to(step.id), *run.links_from(step.id))
        if link.family is not LinkFamily.DATA
    )
    yield from (_row(words) for words in dict.fromkeys(told))
    for effect in step.effects:
        yield _row(f"{effect.detail or effect.effect} {effect.resource}")


def _events(step: TraceStep) -> Iterator[Text]:
    for event in step.events:
        told = ", ".join(f"{key} {value}" for key, value in event.attributes.items())
        yield _row(one_line(f"{event.name}: {told}", 300))


def _more(step: TraceStep) -> Iterator[Text]:
    for key, value in step.attributes.items():
        if key not in UNTOLD:
            said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield Text.assemble((f"  {plain(key)}  ", "dim"), one_line(said, 160))


def _row(text: str, style: str = "") -> Text:
    return Text(f"  {plain(text)}", style=style)
