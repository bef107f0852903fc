"""Flaws in words: rows of the tables, and everything the flaw screen says."""

from collections.abc import Iterator, Sequence

from textual.content import Content

from harnessfix.cli.plain import one_line
from harnessfix.tui import looks
from harnessfix.tui.library import Advice
from harnessfix.tui.patch_view import PatchView
from harnessfix.tui.widgets.rows import Column
from harnessfix.tui.widgets.text_view import Block
from harnessfix.tui.words.plainly import beginning
from harnessfix.words import seen_in
from harnessfix_ir.findings import Diagnosis, FlawRecord
from harnessfix_ir.vocabulary import Safety, Verdict

COLUMNS = (
    Column("", 1),
    Column("rule", 5),
    Column("flaw", share=3, least=14),
    Column("layer", 14),
    Column("runs", 5, right=True),
    Column("place", share=3, least=14, end=True),
    Column("repair", share=2, least=10),
)
OF_STEP_COLUMNS = (
    Column("", 1),
    Column("rule", 5),
    Column("flaw", share=2, least=14),
    Column("this step", 11),
    Column("what happened", share=4, least=14),
)
BLANK = Block(Content(" "))


def flaw_cells(flaw: FlawRecord) -> Sequence[Content]:
    """One line of the table of flaws."""
    best = flaw.best
    return (
        severity_mark(best),
        Content.styled(one_line(best.rule, 8), "bold"),
        Content(one_line(best.name, 60)),
        Content.styled(best.layer.value, looks.LAYER[best.layer]),
        Content(f"{len(flaw.runs):,}" if flaw.runs else "-"),
        Content(one_line(best.anchors[0].place, 200) if best.anchors else ""),
        Content.styled(one_line(best.operator or "by hand", 40), "" if best.operator else looks.DIM),
    )


def flaw_preview(flaw: FlawRecord) -> Content:
    """What happened, in two lines."""
    best = flaw.best
    known = f"{best.evidence.value}, confidence {best.confidence:.2f}, {seen_in(flaw)}"
    return Content.assemble(beginning(best.message, 400), (f"  {known}", looks.DIM))


def flaw_words(flaw: FlawRecord) -> str:
    """What a filter looks at."""
    best = flaw.best
    places = " ".join(anchor.place for anchor in best.anchors)
    words = (flaw.flaw, best.rule, best.name, best.layer.value, best.message, places, best.operator or "")
    return " ".join(words).casefold()


def of_step_cells(pair: tuple[Diagnosis, str]) -> Sequence[Content]:
    """One line of the flaws of a step: the diagnosis, and the step's part in it."""
    diagnosis, part = pair
    return (
        severity_mark(diagnosis),
        Content.styled(one_line(diagnosis.rule, 8), "bold"),
        Content(one_line(diagnosis.name, 60)),
        Content.styled(part, looks.FLAW if part == "responsible" else looks.DIM),
        Content(beginning(diagnosis.message)),
    )


def part_of(step_id: str, diagnosis: Diagnosis) -> str:
    """What a step has to do with a diagnosis."""
    if step_id == diagnosis.responsible_step:
        return "responsible"
    return "symptom" if step_id == diagnosis.symptom_step else "on the path"


def severity_mark(diagnosis: Diagnosis) -> Content:
    """A mark and a colour for how much it matters."""
    return Content.styled(looks.SEVERITY_MARK[diagnosis.severity], looks.SEVERITY[diagnosis.severity])


def flaw_heading(flaw: FlawRecord) -> Content:
    """One line for a flaw."""
    best = flaw.best
    return Content.assemble(
        (f"{best.severity.value} ", f"bold {looks.SEVERITY[best.severity]}"),
        (f"{one_line(best.rule, 8)} {one_line(best.name, 60)}", "bold"),
        "  ",
        (best.layer.value, looks.LAYER[best.layer]),
        (f"  {one_line(flaw.flaw, 12)}", looks.DIM),
    )


def story_blocks(flaw: FlawRecord, advice: Advice | None) -> Iterator[Block]:
    """What happened, the evidence, how it is known, and why it matters."""
    best = flaw.best
    yield Block(Content(), best.message)
    if best.quotes:
        yield from _title("evidence")
        for where, text in best.quotes:
            yield Block(Content.styled(f"│ {one_line(where, 80)}", looks.DIM), text, "italic")
    yield from _title("known")
    yield Block(Content(f"{best.evidence.value}, confidence {best.confidence:.2f}, {seen_in(flaw)}"))
    if best.verdict is not Verdict.HARNESS:
        yield Block(Content(f"at fault: {best.verdict.value}"))
    for missing in best.missing:
        yield Block(Content.styled("not known: ", "$text-warning") + beginning(missing))
    if len(best.anchors) > 1 or flaw.clones:
        yield from _title("also at")
        for anchor in (*best.anchors[1:], *flaw.clones):
            said = f" {one_line(anchor.reason or anchor.qualname, 80)}"
            yield Block(Content(one_line(anchor.place, 200)) + Content.styled(said, looks.DIM))
    advice = advice or Advice()
    for title, text in (("the rule", advice.summary), ("why it matters", advice.why), ("what to do", advice.fix)):
        if text:
            yield from _title(title)
            yield Block(Content(), " ".join(text.split()))


def _title(text: str) -> Iterator[Block]:
    yield BLANK
    yield Block(Content.styled(text, "bold $text-accent"))


def repair_blocks(flaw: FlawRecord, advice: Advice | None, *, refused: str = "") -> Iterator[Block]:
    """The operator, what to type next, and the newest stored patch.

    Args:
        flaw: what is to be repaired.
        advice: None as long as it is being looked up.
        refused: why no patch could be proposed.
    """
    best, name = flaw.best, one_line(flaw.flaw, 12)
    if best.operator is None:
        yield Block(Content("No operator repairs this; it is for a person to do."))
    else:
        safety = "" if advice is None else one_line(advice.safety, 40) or "not an operator of this version"
        styled = Content.styled(safety, _safety_style(safety))
        yield Block(Content.assemble("operator ", (one_line(best.operator, 60), "bold"), "  ") + styled)
    if refused:
        yield Block(Content.styled("no patch", "$text-warning"))
        yield Block(Content(), refused)
    yield BLANK
    for command, what in _commands(flaw, name):
        yield Block(Content.assemble(("$ ", looks.DIM), (command, "bold $text-success"), (f"   {what}", looks.DIM)))
    if advice is None:
        return
    if advice.patches:
        yield BLANK
        yield from patch_blocks(advice.patches[0])
    elif best.operator is not None and not refused:
        yield BLANK
        yield Block(Content.styled("no patch is stored yet: press p to have one proposed", looks.DIM))
    if advice.fix_safety:
        yield BLANK
        yield Block(Content(), " ".join(advice.fix_safety.split()))


def patch_blocks(patch: PatchView) -> Iterator[Block]:
    """A patch: what became of it, what it claims, and the diff."""
    said = [one_line(patch.safety, 20), f"+{patch.added:,} -{patch.removed:,}"]
    said.append("applied" if patch.applied else "not applied")
    title = Content.styled(f"── patch {one_line(patch.id, 16)}", "bold")
    yield Block(title + Content.styled(f"  {' · '.join(word for word in said if word)}", looks.DIM))
    if patch.verdict:
        style = "$text-success" if patch.verdict == "accepted" else "$text-warning"
        yield Block(Content.styled(one_line(patch.verdict, 40), f"bold {style}") + f"  {beginning(patch.reason)}")
    else:
        yield Block(Content.styled("not proved yet", "$text-warning"))
    yield from diff_blocks(patch.diff.rstrip("\n"))
    yield BLANK
    for label, text in (("expected: ", patch.expected), ("refuted by: ", patch.falsifier)):
        if text:
            yield Block(Content.styled(label, looks.DIM) + beginning(text))


def _commands(flaw: FlawRecord, name: str) -> Iterator[tuple[str, str]]:
    if flaw.best.operator is not None:
        yield f"harnessfix repair {name} --apply", "or --undo"
        yield f"harnessfix validate {name}", "prove it"
    yield f"harnessfix explain {one_line(flaw.best.rule, 8)}", "the rule, with examples"


def _safety_style(safety: str) -> str:
    return looks.SAFETY[Safety(safety)] if safety in set(Safety) else looks.DIM


def diff_blocks(diff: str) -> Iterator[Block]:
    """A unified diff, a block for each run of lines of one colour."""
    held: list[str] = []
    style = ""
    for line in diff.split("\n"):
        now = _diff_style(line)
        if now != style and held:
            yield Block(Content(), "\n".join(held), style)
            held = []
        style = now
        held.append(line)
    if held:
        yield Block(Content(), "\n".join(held), style)


def _diff_style(line: str) -> str:
    if line.startswith(("+++", "---", "diff ", "index ")):
        return "bold"
    if line.startswith("@@"):
        return "$text-accent"
    return "$text-success" if line.startswith("+") else "$text-error" if line.startswith("-") else ""
