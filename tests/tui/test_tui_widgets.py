"""Lists, trees and texts: they draw what is on the screen only, and keys and mouse do what they say."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widget import Widget

from harnessfix.tui.outline import Outline
from harnessfix.tui.widgets.rows import Column, Rows
from harnessfix.tui.widgets.step_tree import StepTree
from harnessfix.tui.widgets.text_view import FIRST, LAST, SHOWN, STEP, Block, TextView
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import TraceStep

pytestmark = pytest.mark.asyncio
MakeStep = Callable[..., TraceStep]


class Frame(App[None]):
    """One widget that fills the screen, and what it said."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.opened: list[Any] = []
        self.moved: list[Any] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        self.widget.focus()

    def on_rows_opened(self, event: Rows.Opened) -> None:
        self.opened.append(event.item)

    def on_rows_moved(self, event: Rows.Moved) -> None:
        self.moved.append(event.item)

    def on_step_tree_moved(self, event: StepTree.Moved) -> None:
        self.moved.append(event.step.id)


def screen_text(app: App[None]) -> str:
    """What can be read on the screen."""
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line) for line in lines)


class Numbers(Rows[int]):
    """Rows that remember which of them were drawn."""

    def __init__(self) -> None:
        super().__init__((Column("number", 8, right=True), Column("word")), self.draw)
        self.drawn: set[int] = set()

    def draw(self, item: int) -> Sequence[Content]:
        self.drawn.add(item)
        return Content(str(item)), Content(f"word {item}")


async def test_of_many_rows_only_those_in_sight_are_drawn() -> None:
    rows = Numbers()
    app = Frame(rows)
    async with app.run_test(size=(40, 12)) as pilot:
        rows.fill(range(1_000_000))
        await pilot.pause()
        assert rows.drawn <= set(range(12))
        await pilot.press("end")
        await pilot.pause()
        assert rows.current == 999_999
        assert "word 999999" in screen_text(app)
        assert len(rows.drawn) < 100


async def test_keys_move_and_open() -> None:
    rows = Numbers()
    app = Frame(rows)
    async with app.run_test(size=(40, 12)) as pilot:
        rows.fill(range(100))
        await pilot.press("j", "down", "k", "pagedown", "enter", "home", "up", "enter", "G")
        await pilot.pause()
        assert app.opened == [11, 0]
        assert rows.current == 99
        assert "number" in screen_text(app).splitlines()[0]


async def test_a_click_moves_and_a_double_click_opens() -> None:
    rows = Numbers()
    app = Frame(rows)
    async with app.run_test(size=(40, 12)) as pilot:
        rows.fill(range(100))
        await pilot.pause()
        await pilot.click(rows, offset=(4, 5))
        assert rows.current == 4
        assert app.opened == []
        await pilot.click(rows, offset=(4, 3), times=2)
        assert app.opened == [2]
        await pilot.click(rows, offset=(4, 0))
        assert rows.current == 2


async def test_without_rows_keys_do_nothing() -> None:
    rows = Numbers()
    app = Frame(rows)
    async with app.run_test(size=(40, 12)) as pilot:
        rows.fill(())
        await pilot.press("j", "enter", "end", "pageup")
        await pilot.click(rows, offset=(4, 1))
        assert rows.current is None
        assert "nothing here" in screen_text(app)


async def test_the_cursor_stays_in_sight_when_the_view_shrinks() -> None:
    rows = Numbers()
    app = Frame(rows)
    async with app.run_test(size=(40, 30)) as pilot:
        rows.fill(range(100))
        await pilot.press(*["j"] * 25)
        await pilot.resize_terminal(40, 8)
        await pilot.pause()
        assert "word 25" in screen_text(app)


@pytest.mark.parametrize(("width", "shown"), [(80, 3), (24, 2), (9, 1), (1, 1)])
async def test_columns_that_do_not_fit_are_left_out(width: int, shown: int) -> None:
    columns = (Column("a", 6), Column("b", least=8), Column("c", 10))
    rows = Rows[str](columns, lambda item: [Content(item)] * 3)
    app = Frame(rows)
    async with app.run_test(size=(width, 10)) as pilot:
        rows.fill(["value"])
        await pilot.pause()
        assert sum(size > 0 for size in rows._sizes) == shown


async def test_a_column_may_keep_the_end() -> None:
    rows = Rows[str]((Column("place", 12, end=True),), lambda item: [Content(item)])
    app = Frame(rows)
    async with app.run_test(size=(40, 10)) as pilot:
        rows.fill(["a/very/long/path/agent.py:40"])
        await pilot.pause()
        assert "…agent.py:40" in screen_text(app)


# -- text ----------------------------------------------------------------------------------------------------------


async def test_a_long_text_is_cut_until_asked_for() -> None:
    view = TextView()
    app = Frame(view)
    async with app.run_test(size=(60, 12)) as pilot:
        view.fill([Block(Content("head"), "x" * 20_000)])
        await pilot.pause()
        assert "… 14,000 more characters, press f for all" in view.plain
        assert view.plain.count("x") == SHOWN
        await pilot.press("f")
        assert view.plain.count("x") == 20_000
        assert view.hidden == 0
        assert view.check_action("more", ()) is False


async def test_of_many_texts_the_middle_is_folded() -> None:
    view = TextView()
    app = Frame(view)
    async with app.run_test(size=(60, 12)) as pilot:
        view.fill(Block(Content(f"head {number}"), "text") for number in range(500))
        await pilot.pause()
        heads = [line for line in view.plain.splitlines() if line.startswith("head")]
        assert len(heads) == FIRST + LAST
        assert heads[-1] == "head 499"
        assert "460 more texts" in view.plain
        await pilot.press("f")
        assert view.plain.count("head") == 500


async def test_what_is_shown_at_a_time_is_bounded() -> None:
    view = TextView()
    app = Frame(view)
    async with app.run_test(size=(60, 12)) as pilot:
        view.fill(Block(Content("head"), "x" * 600_000) for _ in range(4))
        await pilot.press("f")
        assert sum(line.count("x") for line in view.plain.splitlines() if line.startswith("x")) == STEP - 1
        assert "200,001 more characters" in view.plain
        assert "2 more texts" in view.plain
        await pilot.press("f", "f")
        assert view.hidden == 0


async def test_text_is_wrapped_anew_when_the_width_changes() -> None:
    view = TextView()
    app = Frame(view)
    async with app.run_test(size=(60, 12)) as pilot:
        view.fill([Block(Content("head"), "word " * 40)])
        await pilot.pause()
        wide = view.line_count()
        await pilot.resize_terminal(30, 12)
        await pilot.pause()
        assert view.line_count() > wide


# -- tree ----------------------------------------------------------------------------------------------------------


async def test_the_tree_opens_closes_and_walks(run: Htir, diagnosis: Diagnosis) -> None:
    tree = StepTree()
    app = Frame(tree)
    async with app.run_test(size=(100, 20)) as pilot:
        tree.fill(run, Outline(run, [diagnosis]))
        await pilot.pause()
        assert tree.row_count() == 6
        text = screen_text(app)
        assert "▲" in text
        assert "C101" in text
        await pilot.press("j", "j", "h")
        await pilot.pause()
        assert tree.current is not None
        assert tree.current.id == "s3"
        assert tree.row_count() == 4
        assert "2 inside" in screen_text(app)
        await pilot.press("l", "l")
        assert tree.current.id == "s4"
        await pilot.press("h", "h")
        assert tree.current.id == "s3"
        await pilot.press("h")
        assert tree.current.id == "s1"


async def test_a_click_on_the_sign_toggles(run: Htir) -> None:
    tree = StepTree()
    app = Frame(tree)
    async with app.run_test(size=(100, 20)) as pilot:
        tree.fill(run, Outline(run))
        await pilot.pause()
        sign = screen_text(app).splitlines()[2].index("▾")
        await pilot.click(tree, offset=(sign, 2))
        assert tree.row_count() == 4
        await pilot.click(tree, offset=(sign + 8, 1))
        assert tree.row_count() == 4
        assert tree.current is not None
        assert tree.current.id == "s2"


async def test_revealing_opens_what_is_around(bare_step: MakeStep) -> None:
    steps = [bare_step(1), *(bare_step(number, f"s{number - 1}") for number in range(2, 3001))]
    run = Htir(run=RunInfo(id="r"), steps=tuple(steps))
    tree = StepTree()
    app = Frame(tree)
    async with app.run_test(size=(100, 20)) as pilot:
        tree.fill(run, Outline(run))
        assert tree.row_count() == 2
        tree.reveal("s3000")
        await pilot.pause()
        assert tree.current is not None
        assert tree.current.id == "s3000"
        assert app.moved[-1] == "s3000"
        assert "s3000" in screen_text(app)
        tree.reveal("s9999")
        assert tree.current.id == "s3000"
