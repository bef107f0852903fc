"""The keys that work here, and what the marks mean."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from harnessfix.tui import looks

MARKS = (
    (looks.FLAW_MARK, "a flaw is blamed on this step; its rule stands behind the name"),
    (looks.TOUCHED_MARK, "on the way from the cause of a flaw to where it showed"),
    ("✗", "ended in an error; a run that failed"),
    ("…", "began and was not seen to end"),
    ("✓ ?", "a run that passed; one that nobody labelled"),
    ("┃", "the lines that a step comes from, or that a flaw is blamed on"),
)


class HelpScreen(ModalScreen[None]):
    """Keys and marks.

    Args:
        bindings: those that were active when help was asked for.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1,q", "dismiss", "Close")]

    def __init__(self, bindings: dict[str, ActiveBinding]) -> None:
        super().__init__()
        self._active = bindings

    def compose(self) -> ComposeResult:
        """One text, as long as it is."""
        with VerticalScroll(id="help") as box:
            box.border_title = Content("help")
            box.border_subtitle = Content("escape closes")
            yield Static(Content("\n").join(self._lines()))

    def _lines(self) -> Iterator[Content]:
        yield Content.styled("Keys here", "bold $text-accent")
        for keys, what in self._keys():
            yield Content.assemble((f"  {keys:<14}", "bold"), f" {what}")
        yield Content()
        yield Content.styled("Marks", "bold $text-accent")
        for mark, what in MARKS:
            yield Content.assemble((f"  {mark:<14}", "bold"), f" {what}")
        yield Content()
        yield Content("The mouse works everywhere: click, double click to open, drag to select text (ctrl+c copies).")

    def _keys(self) -> list[tuple[str, str]]:
        """Keys by what they do, in the order of the bindings."""
        by_words: dict[str, list[str]] = {}
        for active in self._active.values():
            words = active.binding.tooltip or active.binding.description
            if words and not active.binding.system:
                key = self.app.get_key_display(active.binding)
                held = by_words.setdefault(words, [])
                if key not in held:
                    held.append(key)
        return [(" ".join(keys), words) for words, keys in by_words.items()]
