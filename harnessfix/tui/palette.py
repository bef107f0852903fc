"""What the command palette (ctrl+p) offers: the keys of this screen, every run, every flaw, every step."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from harnessfix.cli.plain import one_line

from .screens.run import RunScreen

if TYPE_CHECKING:
    from .app import HarnessfixApp

MOST = 40
"""Hits of one sort."""
Command = Callable[[], object]


class Commands(Provider):
    """Actions of the screen, and things to open."""

    @property
    def _harnessfix(self) -> "HarnessfixApp":
        return cast("HarnessfixApp", self.app)

    async def discover(self) -> Hits:
        """The keys of this screen."""
        for title, command in self._actions():
            yield DiscoveryHit(Content(title), command, text=title)

    async def search(self, query: str) -> Hits:
        """Whatever has the words of the query."""
        matcher = self.matcher(query)
        words = query.casefold().split()
        for title, command in self._actions():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, Content(title), command, text=title)
        for things in (self._flaws(), self._runs(), self._steps()):
            holding = ((title, command) for title, command in things if _has(title, words))
            for title, command in islice(holding, MOST):
                yield Hit(0.5, Content(title), command, text=title)

    def _actions(self) -> Iterator[tuple[str, Command]]:
        seen = set[str]()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            title = binding.tooltip or binding.description
            ours = active.node in (self.screen, self.app) and active.enabled and not binding.system
            if ours and title and title not in seen:
                seen.add(title)
                yield title, partial(self.app.run_action, binding.action, active.node)

    def _runs(self) -> Iterable[tuple[str, Command]]:
        for row in self._harnessfix.contents.runs:
            title = f"open run {row.short_id} {one_line(row.task or row.name, 60)} {row.outcome.value}"
            yield title, partial(self._harnessfix.open_run, row.id)

    def _flaws(self) -> Iterable[tuple[str, Command]]:
        for flaw in self._harnessfix.contents.flaws:
            best = flaw.best
            title = f"open flaw {best.rule} {best.name} {best.layer.value} {flaw.flaw}"
            yield one_line(title, 100), partial(self._harnessfix.open_flaw, flaw)

    def _steps(self) -> Iterable[tuple[str, Command]]:
        screen = self.screen
        if isinstance(screen, RunScreen) and screen.steps.outline is not None:
            for step in screen.steps.outline.steps:
                title = f"go to step {one_line(step.id, 12)} {step.kind.value} {one_line(step.name, 60)}"
                yield title, partial(screen.jump, step.id)


def _has(title: str, words: list[str]) -> bool:
    folded = title.casefold()
    return all(word in folded for word in words)
