"""A step in words: its texts, and everything else that is known of it."""

import json
from collections.abc import Iterator

from textual.content import Content

from harnessfix.cli.plain import one_line
from harnessfix.tui import looks
from harnessfix.tui.widgets.text_view import Block
from harnessfix.tui.words.plainly import beginning
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, Part, TraceStep
from harnessfix_ir.vocabulary import StepKind

MOST_CAUSES = 20
GIST = 200


def heading(step: TraceStep) -> Content:
    """A step in one line: id, kind, name."""
    return Content.assemble(
        (one_line(step.id, 12), "bold"),
        " ",
        (step.kind.value, looks.KIND.get(step.kind, "")),
        " ",
        one_line(step.name, 60),
    )


def gist(run: Htir, step: TraceStep) -> str:
    """The beginning of what a step was about: its error, what a model said, or what another step was given."""
    if step.error is not None:
        return beginning(f"{step.error.type.rpartition('.')[2]}: {step.error.message[:GIST]}", GIST)
    parts = step.output if step.kind is StepKind.MODEL_CALL else step.input or step.output
    for part in parts:
        text = run.text(part)[:GIST]
        if text.strip():
            return beginning(f"{part.name}({text})" if part.kind == "tool_call" else text, GIST)
    return ""


def part_blocks(run: Htir, parts: tuple[Part, ...], nothing: str) -> Iterator[Block]:
    """The texts of one side of a step, each under what it is."""
    for number, part in enumerate(parts, start=1):
        text = run.texts.get(part.text)
        yield Block(_part_heading(number, part, text), "" if text is None else text)
    if not parts:
        yield Block(Content.styled(nothing, looks.DIM))


def _part_heading(number: int, part: Part, text: str | None) -> Content:
    label = part.kind.replace("_", " ") if part.kind not in ("text", part.role) else ""
    words = [one_line(word, 40) for word in (part.role, label, part.name or "", part.call_id or "") if word]
    size = "not held" if text is None else f"{len(text):,} characters"
    return Content.assemble((f"── {number} · {' · '.join(words)}", "bold"), (f"  {size}", looks.DIM))


def output_blocks(run: Htir, step: TraceStep) -> Iterator[Block]:
    """The error if there is one, then the output."""
    if step.error is not None:
        yield from _errors(step.error)
    yield from part_blocks(run, step.output, "no output was recorded" if step.error is None else "and no output")


def _errors(error: ErrorInfo) -> Iterator[Block]:
    current: ErrorInfo | None = error
    for depth in range(MOST_CAUSES):
        if current is None:
            return
        title = "── error" if depth == 0 else "── caused by"
        yield Block(Content.styled(f"{title} · {one_line(current.type, 80)}", f"bold {looks.FLAW}"), current.message)
        if current.traceback and current.traceback.strip() != current.message.strip():
            yield Block(Content.styled("traceback", looks.DIM), current.traceback, looks.DIM)
        current = current.cause


def fact_blocks(step: TraceStep) -> Iterator[Block]:
    """How it ended, what happened inside it, what it touched, and its raw attributes."""
    yield Block(_times(step))
    for missing in step.missing:
        yield Block(Content.styled("not known: ", "$text-warning") + beginning(missing))
    for anchor in step.anchors[1:]:
        how = f"{anchor.route.value}, {anchor.evidence.value}"
        place = Content.assemble(
            ("also at ", looks.DIM), one_line(anchor.place, 200), f" {one_line(anchor.qualname, 60)}"
        )
        yield Block(place + Content.styled(f"  {how}", looks.DIM))
    for effect in step.effects:
        told = f"{one_line(effect.effect, 20)} {one_line(effect.resource, 200)} {one_line(effect.detail, 100)}"
        yield Block(Content.styled("effect  ", looks.DIM) + told)
    for event in step.events:
        yield Block(Content.styled(f"── event · {one_line(event.name, 40)}", "bold"), _json(event.attributes))
    if step.attributes:
        yield Block(Content.styled("── attributes", "bold"), _json(step.attributes))
    source = step.source
    spans = ", ".join(one_line(span, 40) for span in source.span_ids[:6])
    read = f"{one_line(source.format, 40)} {one_line(source.file, 100)} {spans}"
    yield Block(Content.styled("── read from", "bold") + f" {read}")


def _times(step: TraceStep) -> Content:
    said = [step.status.value]
    if step.seconds is not None:
        said.append(f"{step.seconds:,.3f} s")
    if step.finish_reason:
        said.append(f"finished: {one_line(step.finish_reason, 40)}")
    if step.agent:
        said.append(f"agent {one_line(step.agent, 40)}")
    if step.usage is not None:
        counts = step.usage.model_dump(exclude_none=True)
        said.extend(f"{value:,} {name.replace('_', ' ')}" for name, value in counts.items() if isinstance(value, int))
    return Content.styled(said[0], looks.STATUS[step.status]) + "".join(f" · {word}" for word in said[1:])


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
