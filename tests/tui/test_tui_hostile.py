"""Nothing from a run, a source or a patch is obeyed: not by the terminal, not as markup, and no size is too large."""

import re
from pathlib import Path
from typing import Any, TypeAlias
from xml.etree import ElementTree

import pytest
from textual.app import App
from textual.content import Content

from harnessfix.tui.app import HarnessfixApp
from harnessfix.tui.library import Advice, OpenRun
from harnessfix.tui.palette import Commands
from harnessfix.tui.patch_view import PatchView
from harnessfix.tui.screens.run import RunScreen
from harnessfix.tui.screenshot import picture, settled
from harnessfix.tui.widgets.text_view import TextView
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis, FlawRecord, Support
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import Effect, ErrorInfo, Part, Source, Span, StepEvent, TraceLink, TraceStep, Usage
from harnessfix_ir.vocabulary import Evidence, Layer, LinkKind, Outcome, Severity, Status, StepKind

Shelf: TypeAlias = Any
"""The library in memory of `conftest.py`, which cannot be imported."""
EVIL = "\x1b]0;owned\x07\x1b[2J[bold red]m[/] [@click=app.quit]q[/] \ud800 \u202e\u2028 \ufffe \x9b31m \r\n\t"
OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def evil_anchor(path: str = EVIL) -> Anchor:
    return Anchor(path=path, qualname=EVIL, start_line=1, end_line=3, content_hash=EVIL, reason=EVIL)


def evil_step(number: int, parent: str | None) -> TraceStep:
    part = Part(role=EVIL, text="t", kind=EVIL, name=EVIL, call_id=EVIL)
    return TraceStep(
        id=f"s{number}{EVIL}",
        parent=parent,
        kind=StepKind.TOOL_CALL,
        name=EVIL,
        agent=EVIL,
        input=(part, part),
        output=(part,),
        status=Status.ERROR,
        error=ErrorInfo(type=EVIL, message=EVIL, traceback=EVIL + EVIL, cause=ErrorInfo(type=EVIL, message=EVIL)),
        finish_reason=EVIL,
        usage=Usage(input_tokens=10**18),
        effects=(Effect(effect=EVIL, resource=EVIL, detail=EVIL),),
        anchors=(evil_anchor(), evil_anchor("pkg/evil.py")),
        events=(StepEvent(name=EVIL, attributes={EVIL: [EVIL, {"k": EVIL}]}),),
        source=Source(format=EVIL, file=EVIL, span_ids=(EVIL,)),
        attributes={EVIL: EVIL},
        missing=(EVIL,),
    )


@pytest.fixture
def evil(shelf: Shelf, base: Path) -> Shelf:
    """A store in which every text is hostile."""
    first, second = evil_step(1, None), evil_step(2, f"s1{EVIL}")
    span = Span(side="out", part=0, start=0, end=10**12)
    links = tuple(
        TraceLink(source=first.id, target=second.id, kind=kind, source_span=span, target_span=span, detail=EVIL)
        for kind in LinkKind
    )
    info = RunInfo(
        id="ab" * 16 + EVIL, name=EVIL, task=EVIL, outcome=Outcome.FAILED, outcome_by=EVIL, started_ns=10**30
    )
    run = Htir(run=info, steps=(first, second), links=links, texts={"t": EVIL * 3}, incomplete=(EVIL,))
    best = Diagnosis(
        flaw=EVIL,
        rule=EVIL,
        name=EVIL,
        layer=Layer.GOVERNANCE,
        severity=Severity.ERROR,
        run=info.id,
        responsible_step=first.id,
        symptom_step=second.id,
        path=(first.id, second.id, EVIL),
        anchors=(evil_anchor("pkg/evil.py"), evil_anchor()),
        message=EVIL,
        confidence=0.5,
        evidence=Evidence.MODEL,
        quotes=((EVIL, EVIL),),
        operator=EVIL,
        missing=(EVIL,),
    )
    (base / "pkg" / "evil.py").write_bytes(EVIL.encode("utf-8", "surrogatepass") * 5)
    patch = PatchView(id=EVIL, diff=f"+{EVIL}\n-{EVIL}", safety=EVIL, expected=EVIL, verdict=EVIL, reason=EVIL)
    shelf.runs = {info.id: OpenRun(run, [best], [base])}
    shelf.flaws = [
        FlawRecord(flaw=EVIL, best=best, runs=(info.id, EVIL), support=Support(failed=1), clones=best.anchors)
    ]
    shelf.advice_given = Advice(summary=EVIL, why=EVIL, fix=EVIL, safety=EVIL, fix_safety=EVIL, patches=[patch])
    return shelf


def drawn(app: App[Any]) -> str:
    """All characters that go to the terminal as text, borders and titles included."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def assert_harmless(app: App[Any]) -> None:
    text = drawn(app).replace("\n", "")
    ElementTree.fromstring(picture(app))
    leaked = [text[max(0, found.start() - 60) : found.end() + 30] for found in OBEYED.finditer(text)]
    assert not leaked


@pytest.mark.asyncio
async def test_no_screen_lets_hostile_text_through(evil: Shelf) -> None:
    app = HarnessfixApp(evil)
    async with app.run_test(size=(150, 50), notifications=True) as pilot:

        async def look(*keys: str) -> None:
            await pilot.press(*keys)
            await settled(app)
            await pilot.pause()
            assert_harmless(app)

        await look()
        assert "[bold red]m[/]" in drawn(app)
        await look("f3")
        await look("f2", "enter")
        assert "[bold red]m[/]" in drawn(app)
        for key in "12345":
            await look(key)
        await look("o", "a")
        commands = Commands(app.screen)
        titles = [hit async for hit in commands.search("open")]
        assert titles
        assert all(isinstance(getattr(hit, "match_display", None), Content) for hit in titles)
        await look("5", "enter")
        assert "[bold red]m[/]" in drawn(app)
        await look("a", "o", "p")
        await look("question_mark")


@pytest.mark.asyncio
async def test_large_texts_and_deep_runs_open(shelf: Shelf, base: Path) -> None:
    texts = {"line": "x" * 10_000_000, "zero": "\0" * 1_000_000, "lines": "y\n" * 500_000, "wide": "字" * 300_000}
    parts = tuple(Part(role="user", text=name) for name in texts) * 100
    steps = [
        TraceStep(
            id=f"s{number}",
            parent=f"s{number - 1}" if number > 1 else None,
            kind=StepKind.MODEL_CALL,
            name="n" * 100_000 if number == 1 else "call",
            input=parts if number == 3000 else (),
            source=Source(format="test"),
        )
        for number in range(1, 3001)
    ]
    run = Htir(run=RunInfo(id="c" * 32), steps=tuple(steps), texts=texts)
    shelf.runs = {run.run.id: OpenRun(run, [], [base])}
    app = HarnessfixApp(shelf, run="cccc", step="s3000")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(app)
        await pilot.pause()
        assert isinstance(app.screen, RunScreen)
        assert app.screen.steps.current is not None
        assert app.screen.steps.current.id == "s3000"
        view = app.screen.query_one("#input-text", TextView)
        assert "9,994,000 more characters, press f for all" in view.plain
        assert len(view.plain) < 2_000_000
        await pilot.press("1", "f", "end")
        await pilot.pause()
        assert 900_000 < len(view.plain) < 6_000_000
        assert_harmless(app)
