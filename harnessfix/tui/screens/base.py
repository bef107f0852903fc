"""What the screens share: slow questions go to a thread, their answers come back as messages."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

from textual.message import Message
from textual.screen import Screen
from textual.worker import get_current_worker

from harnessfix.cli.plain import plain
from harnessfix.tui.library import Library
from harnessfix_ir.errors import HarnessfixError

if TYPE_CHECKING:
    from harnessfix.tui.app import HarnessfixApp

T = TypeVar("T")
UNEXPECTED = "This is a fault of harnessfix, please report it; the other screens still work."


class Answered(Message):
    """A question was answered, or failed; `then` is to be called in the app's own thread."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self.then = then


class BaseScreen(Screen[None]):
    """A screen that asks the library."""

    @property
    def harnessfix(self) -> "HarnessfixApp":
        """The app, by its own type."""
        return cast("HarnessfixApp", self.app)

    @property
    def library(self) -> Library:
        """What the app was given."""
        return self.harnessfix.library

    def ask(
        self,
        question: Callable[[], T],
        answer: Callable[[T], None],
        *,
        group: str,
        failed: Callable[[str, str], None] | None = None,
    ) -> None:
        """Ask in a thread.

        Args:
            question: asks the library; touches no widget.
            answer: is called with the answer in the app's thread, unless another question of the group came after.
            group: of questions that replace each other.
            failed: is called with message and hint instead; by default they are shown in a corner.
        """

        def work() -> None:
            worker = get_current_worker()
            try:
                then = partial(answer, question())
            except HarnessfixError as error:
                then = partial(failed or self.complain, str(error), error.hint)
            except Exception as error:
                then = partial(failed or self.complain, f"{type(error).__name__}: {error}", UNEXPECTED)
            if not worker.is_cancelled:
                self.post_message(Answered(then))

        self.run_worker(work, thread=True, exclusive=True, group=group, exit_on_error=False)

    def on_answered(self, message: Answered) -> None:
        """Go on with the answer."""
        message.stop()
        if self.is_attached:
            message.then()

    def complain(self, message: str, hint: str = "") -> None:
        """Show an error without leaving the screen."""
        text = plain(f"{message}\n{hint}".strip())
        self.notify(text[:2000], title="error", severity="error", markup=False, timeout=12)
