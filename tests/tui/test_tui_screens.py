"""The screens, driven as a person would: keys, mouse, and what can then be read."""

from pathlib import Path
from typing import Any, TypeAlias

import pytest
from textual.app import App
from textual.command import Hit
from textual.pilot import Pilot
from textual.widgets import Input, Static

from harnessfix.tui.app import HarnessfixApp
from harnessfix.tui.palette import Commands
from harnessfix.tui.screens.flaw import FlawScreen
from harnessfix.tui.screens.help import HelpScreen
from harnessfix.tui.screens.run import RunScreen
from harnessfix.tui.screens.start import StartScreen
from harnessfix.tui.screenshot import settled
from harnessfix.tui.widgets.rows import Rows
from harnessfix_ir.errors import StoreError
from harnessfix_ir.findings import FlawRecord
from harnessfix_ir.htir import Htir

Shelf: TypeAlias = Any
"""The library in memory of `conftest.py`, which cannot be imported."""
pytestmark = pytest.mark.asyncio
SIZE = (120, 40)


def text_of(app: App[None]) -> str:
    """What can be read on the screen."""
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line) for line in lines)


async def press(pilot: Pilot[Any], *keys: str) -> str:
    """Press keys, wait until all questions are answered, and read the screen."""
    await pilot.press(*keys)
    await settled(pilot.app)
    await pilot.pause()
    return text_of(pilot.app)


def said(app: App[None]) -> list[str]:
    """The messages in the corner, so far."""
    return [f"{note.title} {note.message}".strip() for note in app._notifications]


def only(screen: type[Any], app: App[None]) -> Any:
    """The screen that is shown, which must be of that class."""
    assert isinstance(app.screen, screen)
    return app.screen


# -- first screen --------------------------------------------------------------------------------------------------


async def test_start_lists_filters_and_opens_runs_and_flaws(shelf: Shelf) -> None:
    app = HarnessfixApp(shelf)
    async with app.run_test(size=SIZE) as pilot:
        text = await press(pilot)
        for expected in ("2 runs · 1 flaw", "✗", "find-test", "12345678", "✓", "add-numbers"):
            assert expected in text
        for expected in ("C101", "unbounded-observation", "context", "pkg/agent.py:6", "bound-observation"):
            assert expected in text
        assert "2 000 of 28 000 characters" in await press(pilot, "f3")
        await press(pilot, "enter")
        assert only(FlawScreen, app).flaw.flaw == "3f9a2c71"
        await press(pilot, "escape", "slash", *"pass")
        screen = only(StartScreen, app)
        assert [row.task for row in screen.runs.items] == ["add-numbers"]
        assert "no flaw fits the filter" in text_of(app)
        await press(pilot, "enter", "enter")
        assert "this run has no steps" in text_of(app)
        await press(pilot, "n", "j", "enter", "h", "l", "a", "o", "3", "b")
        assert isinstance(app.screen, RunScreen)
        await press(pilot, "escape", "escape")
        assert len(only(StartScreen, app).runs.items) == 2


async def test_without_runs_it_says_what_to_type(shelf: Shelf) -> None:
    held, shelf.runs, shelf.flaws = shelf.runs, {}, []
    app = HarnessfixApp(shelf)
    async with app.run_test(size=SIZE) as pilot:
        text = await press(pilot)
        assert "holds no runs yet" in text
        assert "$ harnessfix record -- python your_agent.py" in text
        await press(pilot, "enter", "d", "j", "slash", "x", "escape")
        shelf.trouble = StoreError("there is no store here", hint="Record a run.")
        text = await press(pilot, "r")
        assert "there is no store here" in text
        assert "Record a run." in text
        shelf.trouble, shelf.runs = None, held
        assert "find-test" in await press(pilot, "r")


async def test_diagnosing_fills_the_flaws_or_says_what_went_wrong(shelf: Shelf, flaw: FlawRecord) -> None:
    shelf.flaws, shelf.diagnosed = [], [flaw]
    app = HarnessfixApp(shelf)
    async with app.run_test(size=SIZE) as pilot:
        assert "unbounded-observation" not in await press(pilot)
        assert "unbounded-observation" in await press(pilot, "d")
        assert "diagnosed 1 flaw" in said(app)
        shelf.trouble = OSError("disk [red]full[/]")
        assert "find-test" in await press(pilot, "d")
        assert any("disk [red]full[/]" in message for message in said(app))


# -- run -----------------------------------------------------------------------------------------------------------


async def test_a_run_begins_at_its_flaw_and_n_goes_on(shelf: Shelf) -> None:
    app = HarnessfixApp(shelf, run="1234")
    async with app.run_test(size=SIZE) as pilot:
        text = await press(pilot)
        steps = only(RunScreen, app).steps
        assert steps.current.id == "s3"
        assert "pkg/agent.py:6 observe" in text
        assert "6 ┃     return text[:2000]" in text
        assert "blamed by C101 · place 1 of 2, press a" in text
        await press(pilot, "o")
        assert app.clipboard == "pkg/agent.py:6"
        assert "copied pkg/agent.py:6" in said(app)
        text = await press(pilot, "a")
        assert "10 ┃     while True:" in text
        assert "tied by stack, observed" in text
        await press(pilot, "n")
        assert steps.current.id == "s5"
        assert "ValueError" in await press(pilot, "2")
        await press(pilot, "n")
        assert steps.current.id == "s3"
        await press(pilot, "p")
        assert steps.current.id == "s5"


async def test_tabs_tell_everything_and_lead_on(shelf: Shelf) -> None:
    app = HarnessfixApp(shelf, run="1234", step="s6")
    async with app.run_test(size=SIZE) as pilot:
        text = await press(pilot)
        steps = only(RunScreen, app).steps
        for expected in ("Which test fails?", "Links 1", "Flaws 1", "no place in the harness is known"):
            assert expected in text
        assert "None of them." in await press(pilot, "2")
        assert '"after": 2000' in await press(pilot, "4")
        text = await press(pilot, "3")
        assert "← cut from" in text
        assert "2 000 of 28 000 characters kept" in text
        await press(pilot, "enter")
        assert steps.current.id == "s3"
        await press(pilot, "b")
        assert steps.current.id == "s6"
        assert "symptom" in await press(pilot, "5")
        await press(pilot, "enter")
        assert only(FlawScreen, app).flaw.flaw == "3f9a2c71"
        await press(pilot, "escape")
        assert only(RunScreen, app).steps.current.id == "s6"


async def test_find_goes_on_with_each_enter(shelf: Shelf) -> None:
    app = HarnessfixApp(shelf, run="1234", step="s1")
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot)
        screen = only(RunScreen, app)
        await press(pilot, "slash", *"comp", "enter")
        assert screen.steps.current.id == "s2"
        await press(pilot, "enter")
        assert screen.steps.current.id == "s6"
        screen.query_one("#find", Input).value = "[b]not there"
        await press(pilot, "enter")
        assert "no step has '[b]not there'" in said(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, RunScreen)
        assert app.screen.focused is screen.steps


async def test_source_that_changed_or_went_is_said_to_have(shelf: Shelf, run: Htir, base: Path) -> None:
    opened = shelf.runs[run.run.id]
    anchor = opened.diagnoses[0].anchors[0].model_copy(update={"content_hash": "0" * 16})
    changed = opened.diagnoses[0].model_copy(update={"anchors": (anchor,)})
    shelf.runs[run.run.id] = type(opened)(run, [changed], opened.bases)
    app = HarnessfixApp(shelf, run="1234")
    async with app.run_test(size=SIZE) as pilot:
        assert "changed since it was analysed" in await press(pilot)
        (base / "pkg" / "agent.py").unlink()
        await press(pilot, "escape", "enter")
        assert "not found below" in text_of(app)


async def test_an_unknown_run_is_told(shelf: Shelf) -> None:
    app = HarnessfixApp(shelf, run="nope")
    async with app.run_test(size=SIZE) as pilot:
        assert "no run is called 'nope'" in await press(pilot)
        await press(pilot, "n", "slash", "x", "enter", "escape", "escape")
        assert isinstance(app.screen, StartScreen)


# -- flaw ----------------------------------------------------------------------------------------------------------


async def test_a_flaw_is_told_in_full_and_leads_to_its_steps(shelf: Shelf, flaw: FlawRecord, base: Path) -> None:
    (base / "pkg" / "other.py").write_text("a\nb\ndef shorten():\n    pass\n")
    app = HarnessfixApp(shelf, flaw=flaw)
    async with app.run_test(size=(140, 50)) as pilot:
        text = await press(pilot)
        for expected in (
            "error C101 unbounded-observation",
            "reached request s6",
            "The model decides on what it is not shown.",
            "6 ┃     return text[:2000]",
            "operator bound-observation  unsafe",
            "$ harnessfix repair 3f9a2c71 --apply",
            "tool_call read_file",
            "press p",
        ):
            assert expected in text
        places = app.screen.query_one("#places", Rows)
        assert [(place.step, place.part) for place in places.items] == [
            ("s3", "responsible"),
            ("s4", "on the path"),
            ("s6", "symptom"),
            (None, "also in"),
        ]
        text = await press(pilot, "a")
        assert "pkg/other.py:3 shorten" in text
        assert "a clone · place 2 of 2" in text
        await press(pilot, "o")
        assert app.clipboard == "pkg/other.py:3"
        await press(pilot, "j", "j", "enter")
        assert only(RunScreen, app).steps.current.id == "s6"
        await press(pilot, "escape", "end", "enter")
        assert "other" in text_of(app)


async def test_a_patch_is_proposed_or_the_reason_said(shelf: Shelf, flaw: FlawRecord) -> None:
    shelf.refusal = "skipped: observe [b]has[/] no bound to follow"
    app = HarnessfixApp(shelf, flaw=flaw)
    async with app.run_test(size=(140, 60)) as pilot:
        await press(pilot)
        assert "observe [b]has[/] no bound to follow" in await press(pilot, "p")
        shelf.refusal = ""
        text = await press(pilot, "p")
        assert shelf.proposed == ["3f9a2c71"]
        assert "patch feedfacefeedface" in text
        assert "+    return shortened(text)" in text
        assert "no bound to follow" not in text


# -- everywhere ----------------------------------------------------------------------------------------------------


async def test_help_and_palette_know_the_screen(shelf: Shelf) -> None:
    app = HarnessfixApp(shelf, run="1234")
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot)
        await press(pilot, "question_mark")
        text = str(only(HelpScreen, app).query_one(Static).render())
        for expected in ("Next step with a flaw or an error", "Copy path:line of the source", "▲", "△"):
            assert expected in text
        await press(pilot, "escape")
        screen = only(RunScreen, app)
        commands = Commands(screen)
        offered = [str(hit.prompt) async for hit in commands.discover()]
        assert "Next step with a flaw or an error" in offered
        assert "Up" not in offered
        for query, title in (
            ("go s5", "go to step s5 error"),
            ("flaw c101", "open flaw C101"),
            ("add", "open run ffff"),
        ):
            hits = [hit async for hit in commands.search(query) if isinstance(hit, Hit)]
            assert [hit for hit in hits if (hit.text or "").startswith(title)], query
        (step,) = [hit async for hit in commands.search("go s5") if isinstance(hit, Hit)]
        step.command()
        assert screen.steps.current.id == "s5"


async def test_every_size_works_and_the_footer_is_short(shelf: Shelf) -> None:
    app = HarnessfixApp(shelf)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot)
        for keys in (("enter",), ("5", "enter")):
            await press(pilot, *keys)
            for width, height in ((80, 24), (50, 16), SIZE):
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                lines = text_of(app).splitlines()
                assert len(lines) == height
                assert max(map(len, lines)) <= width
            shown = [active.binding for active in app.screen.active_bindings.values() if active.binding.show]
            assert 3 <= len({binding.description for binding in shown if not binding.system}) <= 8


async def test_colours_are_not_needed_and_can_be_changed(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = HarnessfixApp(shelf, run="1234")
    async with app.run_test(size=SIZE) as pilot:
        text = await press(pilot)
        assert app.no_color
        assert "▲" in text
        assert "┃" in text
        for theme in ("textual-light", "dracula"):
            app.theme = theme
            assert "C101" in await press(pilot)
